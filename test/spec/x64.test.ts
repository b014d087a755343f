/** The conformance suite on x86-64: see suite.ts. A file for each CPU, so that they run side by side. */

import { testConformance } from './suite.js';

testConformance('x64');
