/** Another version of the compiler, played for tests: what it may not vary within an image. */

import { expect, test } from 'vitest';
import { targets } from '../../../../src/arch/targets.js';
import { Variation } from '../../../../src/compile/convention/variation.js';

test.each(Object.values(targets))('one plan of registers in all of an image, $name', ({ plan }) => {
  const variation = new Variation(606);
  const planned = variation.plan(plan);
  variation.order(20);
  expect(variation.plan(plan)).toBe(planned);
});
