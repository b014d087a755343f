/**
 * Our implementation limits, in one table (core spec appendix A.2; the numbers of the JavaScript API's section
 * "Implementation-defined limits" wherever it has one).
 *
 * A module beyond one is valid but not accepted: LimitError, exit code 4, with the limit's name as its code. What the
 * core spec itself forbids (memories above 65536 pages) is not here. Needs errors.ts.
 */

import { LimitError } from '../base/errors.js';
import { MEMORY64_PAGES } from '../image/contract/sizes.js';

export const limits = {
  moduleBytes: 2 ** 30,
  types: 1_000_000,
  functions: 1_000_000,
  imports: 1_000_000,
  exports: 1_000_000,
  globals: 1_000_000,
  tags: 1_000_000,
  dataSegments: 100_000,
  elementSegments: 10_000_000,
  elementSegmentItems: 10_000_000,
  memories: 100,
  tables: 100_000,
  tableElements: 10_000_000,
  functionParams: 1000,
  functionResults: 1000,
  functionBytes: 7_654_321,
  locals: 50_000,
  branchTargets: 65_520,
  /** Not of the JavaScript API: clauses of a try_table. */
  catches: 65_520,
  nameBytes: 100_000,
  /** Not of the JavaScript API: operands on the stack of one function, which calls with 1000 results can grow fast. */
  operands: 1_000_000,
  /** How many supertypes a type may have, one above the other. */
  subtypingDepth: 63,
  /** Not of the JavaScript API: instructions of one constant expression. */
  constantInstructions: 1_000_000,
  /**
   * Nor this: pages that a memory with 64-bit addresses starts with. An image reserves no more for one.
   */
  memoryPages: MEMORY64_PAGES,
  /** Nor this: definitions of a component and those nested in it. The same number may be carried out. */
  componentDefinitions: 1_000_000,
  /** Nor this: core modules that a component instantiates. */
  coreInstances: 10_000,
  /** Nor this: components or types in one another. */
  componentDepth: 100,
} as const;

/**
 * How much code and tables a module may turn into, in proportion to its size: some constructs are short in the module
 * and long as code or tables (many locals in many functions, deep stacks at many safepoints). Real modules stay far
 * below: esbuild's 14 MB need 1.2 bytes of code and 0.1 words of tables for each byte.
 */
export function outputLimits(moduleBytes: number): { codeBytes: number; tableWords: number; describedWords: number } {
  return {
    codeBytes: 32 * moduleBytes + (16 << 20),
    tableWords: 8 * moduleBytes + (2 << 20),
    describedWords: 64 * moduleBytes + (256 << 20),
  };
}

export type LimitName = keyof typeof limits;

export function limitError(name: LimitName, value: number, offset: number, file: string): LimitError {
  return new LimitError(
    name,
    `${file}: offset 0x${offset.toString(16)}: ${value} exceeds the limit of ${limits[name]} (${name})`,
  );
}
