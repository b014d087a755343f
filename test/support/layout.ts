/** All of the contract between code, runtime and tools (src/image/contract), for tests that read much of it. */

export * from '../../src/image/contract/exception-tables.js';
export * from '../../src/image/contract/growing-text.js';
export * from '../../src/image/contract/host-state.js';
export * from '../../src/image/contract/instance.js';
export * from '../../src/image/contract/resume-plan.js';
export * from '../../src/image/contract/runtime-block.js';
export * from '../../src/image/contract/site-tables.js';
export * from '../../src/image/contract/sizes.js';
export * from '../../src/image/contract/thread.js';
export * from '../../src/image/contract/tracking.js';
export * from '../../src/image/contract/traps.js';
