/**
 * Descriptors that only name a file (O_PATH). A path can be checked through one before it is opened, and the file that
 * is then opened is the one that was checked. Opening a device or FIFO unchecked could have effects or block for ever.
 */

import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';

export const O_PATH = 0x200000; // asm-generic/fcntl.h, the same on both CPUs; Node has no name for it
const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;

/** The path by which this process opens the file of a descriptor. */
export function pathOfDescriptor(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/**
 * Opens a regular file for reading.
 *
 * @param isIt whether this is the wanted file; gets its stat and an O_PATH descriptor of it
 * @returns undefined when the path leads to no regular file, or to another one
 * @throws the system's error
 */
export function openRegularFile(path: string, isIt: (stat: Stats, fd: number) => boolean): number | undefined {
  const place = openSync(path, O_PATH);
  try {
    const stat = fstatSync(place);
    if (!stat.isFile() || !isIt(stat, place)) return undefined;
    return openSync(pathOfDescriptor(place), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  } finally {
    closeSync(place);
  }
}
