/**
 * Which file a file is: its device and inode, while the machine runs. Numbers of devices are given out anew at each
 * boot, and other machines have files of the same numbers, so that an identity is of a boot, and of another one tells
 * nothing.
 */

import { createHash } from 'node:crypto';
import { type BigIntStats, readFileSync } from 'node:fs';
import type { FileIdentity } from './host.js';

let known: string | undefined;

/** This boot (random(4)); undefined where the kernel does not say. Containers of a machine have the same. */
export function currentBoot(): string | undefined {
  try {
    known ??= createHash('sha256').update(readFileSync('/proc/sys/kernel/random/boot_id')).digest('hex');
  } catch {
    return undefined;
  }
  return known;
}

export function fileIdentity(stat: BigIntStats): FileIdentity | undefined {
  const boot = currentBoot();
  if (boot === undefined) return undefined;
  const born = birthOf(stat);
  return { boot, device: stat.dev, inode: stat.ino, ...(born === undefined ? {} : { born }) };
}

/** Where a file system or a sandbox does not tell, Node says 0 or the time of the last change of its inode. */
function birthOf({ birthtimeNs, ctimeNs }: BigIntStats): bigint | undefined {
  return birthtimeNs === 0n || birthtimeNs === ctimeNs ? undefined : birthtimeNs;
}

/** Undefined when it cannot be told. */
export function isSameFile(then: FileIdentity | undefined, stat: BigIntStats): boolean | undefined {
  if (then === undefined || then.boot !== currentBoot()) return undefined;
  if (then.device !== stat.dev || then.inode !== stat.ino) return false;
  const born = birthOf(stat);
  return then.born === undefined || born === undefined || then.born === born;
}
