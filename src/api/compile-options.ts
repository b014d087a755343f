/** Options of a compilation. */

import type { ProgressOption, SignalOption } from './common-options.js';
import type { ArchName, CpuLevel } from './cpu.js';
import type { Imports } from './embedder/import-object.js';
import type { Links } from './links.js';

export interface CompileOptions extends ProgressOption, SignalOption {
  /** The module's name in messages; default: its path. */
  readonly name?: string | undefined;
  /** The CPU; default: this machine's. */
  readonly arch?: ArchName | undefined;
  /** The CPU's level; `native` is this machine's. Default: the lowest, which every CPU supports. */
  readonly cpu?: CpuLevel | 'native' | undefined;
  /** Give every NaN the same bits, so that runs are alike on all CPUs. */
  readonly deterministic?: boolean | undefined;
  /**
   * Accept imports that nothing provides: such functions trap when called; memories, tables and globals are created,
   * empty or zero. Without this option such a module is an error.
   */
  readonly allowMissingImports?: boolean | undefined;
  /** Modules that the program is linked to. */
  readonly links?: Links | undefined;
  /**
   * How many threads compile the functions of a large module, this one included. They end soon afterwards. The image
   * does not depend on the number. Default: one for each processor.
   */
  readonly jobs?: number | undefined;
  /**
   * Functions that the embedder will provide: all that nothing else provides, or those of an import object. Such an
   * image can only be started by an embedder.
   */
  readonly hostImports?: boolean | Imports | undefined;
}
