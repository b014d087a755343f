/** This machine's CPU, for which images are compiled when a test says nothing else. */

import type { ArchName } from '../../src/arch/masm/target.js';

export const nativeArch: ArchName = process.arch === 'arm64' ? 'arm64' : 'x64';
