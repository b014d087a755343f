/** All mutants. Whoever adds a check adds its mutant to the area that the check is of (CONTRIBUTING.md). */

import { sandbox } from './areas/sandbox.js';
import { snapshot } from './areas/snapshot.js';
import type { Area } from './mutant.js';

export const areas: readonly Area[] = [snapshot, sandbox];
