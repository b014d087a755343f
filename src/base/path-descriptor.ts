/**
 * Descriptors that only name a file (O_PATH): what a path leads to can be looked at through one before it is opened,
 * and what is opened then is what was looked at. Opening a device or a FIFO may do something, and may wait for ever.
 */

import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';

export const O_PATH = 0x200000; // asm-generic/fcntl.h, the same on both CPUs; Node has no name for it
const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;

/** The path by which this process can open what a descriptor is open for. */
export function pathOfDescriptor(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/**
 * Opens a regular file for reading.
 *
 * @param isIt whether it is the file that is meant; gets an O_PATH descriptor
 * @returns undefined when it is none, or another one
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
