/**
 * Finds the image of a process that runs it without being its executable: an emulator (qemu-user) has mapped the image's
 * file, and we know our images by their own description.
 *
 * Nothing is assumed of the emulator but that it maps the guest's file, and that the guest's addresses are the
 * process's own; process.ts checks that by the runtime block.
 */

import { closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { type ImageDescription, readImage } from '../compile/metadata/image-reader.js';
import { WagSnapError } from '../errors.js';
import type { Mapping } from './proc-maps.js';

/** A descriptor may be of a pipe or a terminal: do not wait for its other end. */
const O_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

export interface MappedImage {
  readonly image: ImageDescription;
  /** Where the image's first bytes are mapped. */
  readonly base: number;
  /** The caller closes it. */
  readonly fd: number;
  /** Of the file, as the process's map has it. */
  readonly path: string;
}

/** Whether an executable is one that runs others: those that wait, or are looked at by `ps`, are known by their name. */
export function isEmulator(exe: string): boolean {
  return /^qemu-(?!system-)/.test(basename(exe));
}

/** The first mapped file that is one of our images and mapped up to its DATA, or undefined. */
export function findMappedImage(pid: number, maps: readonly Mapping[]): MappedImage | undefined {
  for (const { start, offset, inode, path } of maps) {
    if (inode === 0 || offset !== 0) continue;
    const fd = openMapped(pid, path, inode);
    if (fd === undefined) continue;
    try {
      const image = readImage(fd);
      const runtime = start + image.identity.data.imageOffset;
      if (maps.some((map) => map.inode === inode && map.start <= runtime && runtime < map.end)) {
        return { image, base: start, fd, path };
      }
      closeSync(fd);
    } catch (error) {
      closeSync(fd);
      if (!(error instanceof WagSnapError && error.code === 'not-an-image')) throw error;
    }
  }
  return undefined;
}

/** The file by its path, or when that is another one now, by a descriptor that the process has of it. */
function openMapped(pid: number, path: string, inode: number): number | undefined {
  const found = openIf(path, inode);
  if (found !== undefined) return found;
  let names: string[];
  try {
    names = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return undefined;
  }
  for (const name of names) {
    const fd = openIf(`/proc/${pid}/fd/${name}`, inode);
    if (fd !== undefined) return fd;
  }
  return undefined;
}

function openIf(path: string, inode: number): number | undefined {
  if (!path.startsWith('/')) return undefined;
  let fd: number;
  try {
    fd = openSync(path, O_FLAGS);
  } catch {
    return undefined;
  }
  const stat = fstatSync(fd);
  if (stat.isFile() && stat.ino === inode) return fd;
  closeSync(fd);
  return undefined;
}
