/** The error for an image that contradicts itself. */

import { InputError } from '../../base/errors.js';

export function damaged(detail: string): InputError {
  return new InputError('damaged-image', `damaged image: ${detail}`);
}
