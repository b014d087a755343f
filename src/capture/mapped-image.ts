/**
 * Finds the image of a process that runs it without being its executable: an emulator (qemu-user) has mapped the
 * image's file, and we know our images by their own description.
 *
 * Nothing is assumed of the emulator but that it maps the guest's file, and that the guest's addresses are the
 * process's own; process.ts checks that by the runtime block. What is opened is named by the process: so it is only
 * opened when it is a regular file, and the one that is mapped.
 */

import { closeSync, opendirSync, type Stats, statfsSync } from 'node:fs';
import { WagSnapError } from '../base/errors.js';
import { openRegularFile, pathOfDescriptor } from '../base/path-descriptor.js';
import type { ImageDescription } from '../image/reader.js';
import type { Mapping } from './proc-maps.js';
import type { ProcessFolder } from './process-folder.js';

/** Files and descriptors of a process that are looked at, at most: an emulator has mapped a few libraries besides. */
const FILES_MAX = 64;
const DESCRIPTORS_MAX = 4096;

/** File systems whose stat(2) has another device than maps (linux/magic.h): btrfs, overlayfs. */
const OTHER_DEVICE: readonly number[] = [0x9123683e, 0x794c7630];

export interface MappedImage {
  readonly image: ImageDescription;
  /** Where the image's first bytes are mapped. */
  readonly base: number;
  /** The caller closes it. */
  readonly fd: number;
  /** Of the file, as the process's map has it. */
  readonly path: string;
}

/**
 * The first mapped file that is one of our images and mapped up to its DATA, or undefined.
 *
 * @param open readImage, or another way to read one
 * @throws what `open` does, but for a file that is no image
 */
export function findMappedImage(
  folder: ProcessFolder,
  maps: readonly Mapping[],
  open: (fd: number) => ImageDescription,
): MappedImage | undefined {
  const seen = new Set<string>();
  for (const mapping of maps) {
    const { start, offset, inode, device, path } = mapping;
    const key = `${device}:${inode}`;
    if (inode === 0 || offset !== 0 || seen.has(key)) continue;
    if (seen.size === FILES_MAX) return undefined;
    seen.add(key);
    const fd = openMapped(folder, mapping);
    if (fd === undefined) continue;
    try {
      const image = open(fd);
      const runtime = start + image.outline.data.imageOffset;
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

/**
 * The file by the mapping itself, which takes privileges (proc(5), map_files), else by its path, or when that is
 * another one now, by a descriptor that the process has of it.
 */
function openMapped(folder: ProcessFolder, { start, end, path, inode, device }: Mapping): number | undefined {
  const itself = openIf(folder.path(`map_files/${start.toString(16)}-${end.toString(16)}`), () => true);
  if (itself !== undefined) return itself;
  const isIt = (stat: Stats, fd: number) => stat.ino === inode && (stat.dev === device || hasOtherDevice(fd));
  const named = path.startsWith('/') ? openIf(path, isIt) : undefined;
  if (named !== undefined) return named;
  for (const name of descriptors(folder)) {
    const fd = openIf(folder.path(`fd/${name}`), isIt);
    if (fd !== undefined) return fd;
  }
  return undefined;
}

/** Names of the first descriptors of a process. */
function descriptors(folder: ProcessFolder): string[] {
  const names: string[] = [];
  try {
    const listing = opendirSync(folder.path('fd'));
    try {
      for (let entry = listing.readSync(); entry; entry = listing.readSync()) {
        names.push(entry.name);
        if (names.length === DESCRIPTORS_MAX) break;
      }
    } finally {
      listing.closeSync();
    }
  } catch {
    // The kernel does not let us, or the process has ended.
  }
  return names;
}

function openIf(path: string, isIt: (stat: Stats, fd: number) => boolean): number | undefined {
  try {
    return openRegularFile(path, isIt);
  } catch {
    return undefined;
  }
}

function hasOtherDevice(fd: number): boolean {
  return OTHER_DEVICE.includes(statfsSync(pathOfDescriptor(fd)).type);
}
