/**
 * Which file a file is: its device and inode, while the machine runs. Numbers of devices are given out anew at each
 * boot, and other machines have files of the same numbers, so that an identity is of a boot, and of another one tells
 * nothing.
 */

import { createHash } from 'node:crypto';
import { type BigIntStats, readFileSync } from 'node:fs';
import type { FileIdentity } from './snapshot.js';

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

export function fileIdentity({ dev, ino }: BigIntStats): FileIdentity | undefined {
  const boot = currentBoot();
  return boot === undefined ? undefined : { boot, device: dev, inode: ino };
}

/** Undefined when it cannot be told. */
export function isSameFile(then: FileIdentity | undefined, stat: BigIntStats): boolean | undefined {
  if (then === undefined || then.boot !== currentBoot()) return undefined;
  return then.device === stat.dev && then.inode === stat.ino;
}
