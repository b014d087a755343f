/** How much code there may be. */

import { LimitError } from '../../base/errors.js';

/** @throws LimitError when `size` bytes of code are more than `limit` */
export function checkCodeSize(size: number, limit: number): void {
  if (size <= limit) return;
  throw new LimitError(
    'code-size',
    `the module's code exceeds ${limit} bytes, far more than a module of its size should need`,
  );
}
