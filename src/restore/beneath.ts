/**
 * Finds a path below a directory as the image will: component by component, without letting the kernel follow links,
 * and never outside (the three rules of runtime/descriptors/walk.ts). The tool uses it for checks before a restore; the
 * image opens everything itself.
 *
 * Node has no openat: /proc/self/fd/N/NAME does the same for one name (proc(5)).
 */

import { closeSync, constants, existsSync, fstatSync, openSync, readlinkSync } from 'node:fs';
import { O_PATH, pathOfDescriptor } from '../base/path-descriptor.js';

const { O_DIRECTORY, O_NOFOLLOW } = constants;
const LINKS_MAX = 40; // as in Linux

/** A path that cannot be walked. `code` has the form of Node's own errors. */
export class PathError extends Error {
  constructor(readonly code: 'EXDEV' | 'ELOOP' | 'ENOTDIR' | 'ENOENT') {
    super(code === 'EXDEV' ? 'the path leads outside of the directory' : code);
  }
}

/** Whether this process can walk paths this way. */
export function canWalk(): boolean {
  return existsSync('/proc/self/fd');
}

/**
 * @param top absolute path of the directory
 * @param path path below it; an empty one is the directory itself
 * @returns an O_PATH descriptor of the file, which is never a symbolic link
 * @throws PathError, or Node's error of a system call
 */
export function findBeneath(top: Uint8Array, path: Uint8Array): number {
  const root = openSync(Buffer.from(top), O_PATH | O_DIRECTORY);
  const open = [root]; // the directories walked so far, none of them a link
  try {
    return walk(open, path);
  } finally {
    for (const descriptor of open) closeSync(descriptor);
  }
}

/** @param open begins with the root; directories are pushed and popped as the path leads through them */
function walk(open: number[], path: Uint8Array): number {
  let names = split(path);
  let links = 0;
  while (names.length > 0) {
    const [name, ...rest] = names;
    names = rest;
    if (name === '.') continue;
    if (name === '..') {
      if (open.length === 1) throw new PathError('EXDEV');
      closeSync(open.pop()!);
      continue;
    }
    const at = Buffer.from(`${pathOfDescriptor(open.at(-1)!)}/${name}`, 'latin1');
    const next = openSync(at, O_PATH | O_NOFOLLOW);
    const stat = fstatSync(next);
    if (stat.isSymbolicLink()) {
      closeSync(next);
      if (++links > LINKS_MAX) throw new PathError('ELOOP');
      const target = readlinkSync(at, 'buffer');
      if (target[0] === SLASH) throw new PathError('EXDEV');
      names = [...split(target), ...names];
    } else if (stat.isDirectory()) {
      open.push(next);
    } else if (names.length > 0) {
      closeSync(next);
      throw new PathError('ENOTDIR');
    } else {
      return next;
    }
  }
  return openSync(`${pathOfDescriptor(open.at(-1)!)}/.`, O_PATH | O_DIRECTORY);
}

const SLASH = 0x2f;

/** Names as latin1, which preserves every byte. */
function split(path: Uint8Array): string[] {
  if (path[0] === SLASH) throw new PathError('EXDEV');
  return Buffer.from(path)
    .toString('latin1')
    .split('/')
    .filter((name) => name !== '');
}
