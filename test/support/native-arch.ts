/** This machine's CPU, as images are compiled for where a test does not say. */

import type { ArchName } from '../../src/arch/masm/target.js';

export const nativeArch: ArchName = process.arch === 'arm64' ? 'arm64' : 'x64';
