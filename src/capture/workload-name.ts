/**
 * The name of a running workload: from the variable that it was started with, or from its image when it continues a
 * snapshot. Neither needs access to its memory, which Yama may forbid.
 */

import type { ImageDescription } from '../image/reader.js';
import { isWorkloadName, NAME_VARIABLE, nameInImage } from '../image/workload-name.js';
import type { ProcessFolder } from './process-folder.js';

/** How much of an environment is read, in bytes: the kernel's default limit for a process. */
const ENVIRONMENT_MAX = 1 << 21;
const MARK = Buffer.from(`${NAME_VARIABLE}=`);

/**
 * Undefined when the workload has no valid name. Never fails.
 * @param image undefined when it cannot be read
 */
export function nameOfWorkload(folder: ProcessFolder, image: ImageDescription | undefined): string | undefined {
  try {
    return nameInEnvironment(folder.head('environ', ENVIRONMENT_MAX)) ?? (image && nameInImage(image));
  } catch {
    return undefined; // it has ended, or is damaged
  }
}

/** @param environment variables that end with 0 */
export function nameInEnvironment(environment: Buffer): string | undefined {
  for (let at = 0; (at = environment.indexOf(MARK, at)) >= 0; at += MARK.length) {
    if (at > 0 && environment[at - 1] !== 0) continue;
    const end = environment.indexOf(0, at);
    const name = environment.toString('latin1', at + MARK.length, end < 0 ? undefined : end);
    return isWorkloadName(name) ? name : undefined;
  }
  return undefined;
}
