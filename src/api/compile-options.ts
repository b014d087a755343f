/** What a module is compiled with. */

import type { ProgressOption, SignalOption } from './common-options.js';
import type { ArchName, CpuLevel } from './cpu.js';
import type { Imports } from './embedder/import-object.js';
import type { Links } from './links.js';

export interface CompileOptions extends ProgressOption, SignalOption {
  /** What messages call the module; default: its path. */
  readonly name?: string | undefined;
  /** The CPU; default: this machine's. */
  readonly arch?: ArchName | undefined;
  /** Level of the CPU; `native` is this machine's. Default: the least, so that it runs everywhere. */
  readonly cpu?: CpuLevel | 'native' | undefined;
  /** Give every NaN the same bits, so that runs are alike on all CPUs. */
  readonly deterministic?: boolean | undefined;
  /**
   * Calls of functions that nothing provides trap; memories, tables and globals that nothing provides are made, empty
   * or zero. Else such a module is an error.
   */
  readonly allowMissingImports?: boolean | undefined;
  /** Modules that it is linked to. */
  readonly links?: Links | undefined;
  /**
   * How many threads compile the functions of a large module, this one included; all have ended soon after. The image is
   * the same. Default: one for each processor.
   */
  readonly jobs?: number | undefined;
  /**
   * Functions that nothing else provides and that whoever starts the program will: all of them, or those of an import
   * object. Such an image needs an embedder.
   */
  readonly hostImports?: boolean | Imports | undefined;
}
