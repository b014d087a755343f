/** How a starter is recognized: the program that maps a growing image (compile/stubs/starter.ts). */

import { readSync } from 'node:fs';

/** Follows the program header of a starter: 16 bytes. */
export const STARTER_MARK: Uint8Array = new TextEncoder().encode('wag-snap starter');
const MARK_OFFSET = 64 + 56;

/** Whether an open file is a starter. */
export function isStarter(fd: number): boolean {
  const found = Buffer.alloc(STARTER_MARK.length);
  return readSync(fd, found, 0, found.length, MARK_OFFSET) === found.length && found.equals(STARTER_MARK);
}
