/**
 * The identity of a file on a running machine: its device and inode. Device numbers are assigned anew at each boot, and
 * other machines use the same numbers. So an identity belongs to a boot, and says nothing on another one.
 */

import { createHash } from 'node:crypto';
import { type BigIntStats, readFileSync } from 'node:fs';
import type { FileIdentity } from './host.js';

let known: string | undefined;

/**
 * The boot's id (random(4)); undefined when the kernel does not provide it. All containers of a machine have the same.
 */
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

/** For an unknown birth time, Node gives 0 or the inode's time of last change. */
function birthOf({ birthtimeNs, ctimeNs }: BigIntStats): bigint | undefined {
  return birthtimeNs === 0n || birthtimeNs === ctimeNs ? undefined : birthtimeNs;
}

/** Undefined when it cannot be determined. */
export function isSameFile(then: FileIdentity | undefined, stat: BigIntStats): boolean | undefined {
  if (then === undefined || then.boot !== currentBoot()) return undefined;
  if (then.device !== stat.dev || then.inode !== stat.ino) return false;
  const born = birthOf(stat);
  return then.born === undefined || born === undefined || then.born === born;
}
