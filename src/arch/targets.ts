/** All CPUs, by name. */

import { arm64 } from './arm64/target.js';
import type { ArchName, Target } from './target.js';
import { x64 } from './x64/target.js';

export const targets: Readonly<Record<ArchName, Target>> = { x64, arm64 };
