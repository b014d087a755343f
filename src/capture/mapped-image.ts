/**
 * Finds the image of a process whose executable is an emulator (qemu-user), or the starter of a growing image: among the
 * mapped files, our images are recognized by their own description.
 *
 * The only assumptions about the emulator are that it maps the guest's file, and that guest addresses are its own
 * addresses; process.ts checks the latter at the runtime block. The process names the files, so a file is opened only
 * when it is a regular file and the one that is mapped.
 */

import { closeSync, opendirSync, type Stats, statfsSync } from 'node:fs';
import { WagSnapError } from '../base/errors.js';
import { openRegularFile, pathOfDescriptor } from '../base/path-descriptor.js';
import type { ImageDescription } from '../image/reader.js';
import { isStarter } from '../image/starter.js';
import type { Mapping } from './proc-maps.js';
import type { ProcessFolder } from './process-folder.js';

/**
 * Limits on the files and descriptors of a process that are examined. An emulator maps only a few libraries besides.
 */
const FILES_MAX = 64;
const DESCRIPTORS_MAX = 4096;

/** File systems whose stat(2) shows another device than maps (linux/magic.h): btrfs, overlayfs. */
const OTHER_DEVICE: readonly number[] = [0x9123683e, 0x794c7630];

export interface MappedImage {
  readonly image: ImageDescription;
  /** The address at which the image's first bytes are mapped. */
  readonly base: number;
  /** An open descriptor. The caller closes it. */
  readonly fd: number;
  /** The file's path, from the process's map. */
  readonly path: string;
}

/**
 * Finds the first mapped file that is one of our images and is mapped up to its DATA.
 *
 * @param open reads an image: readImage, or a replacement
 * @throws what `open` throws, unless the file is not an image
 */
export function findMappedImage(
  folder: ProcessFolder,
  maps: readonly Mapping[],
  open: (fd: number) => ImageDescription,
): MappedImage | undefined {
  for (const { mapping, fd } of mappedFiles(folder, maps)) {
    const { start, inode, path } = mapping;
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

/** Whether the process has mapped a starter: then its image is one whose functions are compiled while it runs. */
export function hasStarter(folder: ProcessFolder, maps: readonly Mapping[]): boolean {
  for (const { fd } of mappedFiles(folder, maps)) {
    const found = isStarter(fd);
    closeSync(fd);
    if (found) return true;
  }
  return false;
}

/** The files whose first bytes are mapped, each once, with an open descriptor that the caller closes. */
function* mappedFiles(
  folder: ProcessFolder,
  maps: readonly Mapping[],
): Generator<{ readonly mapping: Mapping; readonly fd: number }> {
  const seen = new Set<string>();
  for (const mapping of maps) {
    const { offset, inode, device } = mapping;
    const key = `${device}:${inode}`;
    if (inode === 0 || offset !== 0 || seen.has(key)) continue;
    if (seen.size === FILES_MAX) return;
    seen.add(key);
    const fd = openMapped(folder, mapping);
    if (fd !== undefined) yield { mapping, fd };
  }
}

/**
 * Opens the file through the mapping itself, which takes privileges (proc(5), map_files), else by its path. If that
 * leads to another file by now, opens it through a descriptor of the process.
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

/** The names of a process's first descriptors. */
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
    // The kernel refuses, or the process has ended.
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
