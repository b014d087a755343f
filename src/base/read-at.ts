/** Reading what this program has written itself. */

import { readSync } from 'node:fs';
import { BugError } from './errors.js';

/** Fills `bytes` from the file offset `position` on, and returns it. @throws the system's errors */
export function readAt(fd: number, bytes: Buffer, position: number): Buffer {
  for (let done = 0; done < bytes.length; ) {
    const got = readSync(fd, bytes, done, bytes.length - done, position + done);
    if (got === 0) throw new BugError(`a file ends at ${position + done}, before what was written to it`);
    done += got;
  }
  return bytes;
}
