/** Compiles a module while its bytes are arriving. Loads the compiler. */

import { EarlyCompiler } from '../compile/link/early-compiler.js';
import type { EarlyPieces } from '../compile/link/early-pieces.js';
import { ArrivingModule } from '../wasm/arriving-module.js';
import type { CompileOptions } from './compile-options.js';
import { targetFor } from './target-for.js';

/** How the module will be compiled. */
export interface EarlyRequest extends Pick<CompileOptions, 'arch' | 'cpu'> {
  readonly deterministic: boolean;
  readonly allowMissingImports: boolean;
  /** As DetailOptions. Default: true. */
  readonly sites?: boolean;
}

/** A module that came by a pipe. */
export interface ArrivedModule {
  readonly bytes: Uint8Array;
  /** What was compiled of it meanwhile. */
  readonly early?: EarlyPieces | undefined;
}

export class EarlyCompilation {
  private readonly module: ArrivingModule;
  private readonly compiler: EarlyCompiler;

  /** @param file the module's name in messages. @throws UsageError */
  constructor(file: string, { deterministic, allowMissingImports, sites = true, ...cpu }: EarlyRequest) {
    this.module = new ArrivingModule(file);
    const target = targetFor(cpu);
    this.compiler = new EarlyCompiler(this.module, { target, deterministic, allowMissingImports, sites });
  }

  /** @param bytes all that have arrived */
  arrive(bytes: Uint8Array<ArrayBuffer>): void {
    this.module.arrive(bytes);
  }

  /** Compiles for so many milliseconds. @returns false when there is nothing to do until more bytes have arrived */
  compile(milliseconds: number): boolean {
    const end = performance.now() + milliseconds;
    do {
      if (!this.compiler.step()) return false;
    } while (performance.now() < end);
    return true;
  }

  take(): EarlyPieces | undefined {
    return this.compiler.take();
  }
}
