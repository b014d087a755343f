/** The conformance suite on x86-64 with AVX (`compile --cpu x86-64-v3`), where this machine has it: see suite.ts. */

import { testConformance } from './suite.js';
import { AVX } from './targets.js';

testConformance(AVX);
