/** The error for a stack that our code cannot have built. */

import { InputError } from '../base/errors.js';

export function damagedStack(what: string): InputError {
  return new InputError('damaged-process', `the process's stack cannot be read: ${what}`);
}
