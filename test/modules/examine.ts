/**
 * What becomes of one module: whether V8 and wag-snap accept it, what the compiler makes of it on each CPU, and whether
 * the result's tables hold (test/sites). Nothing of it is run here.
 */

import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { targets } from '../../src/arch/targets.js';
import { WagSnapError } from '../../src/base/errors.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { readImage } from '../../src/image/reader.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { checkAllocation } from '../sites/allocation.js';
import { compareSites } from '../sites/same-sites.js';
import { featuresOf } from './features.js';

export interface Compiled {
  /** Of decoding, compiling and laying out, in milliseconds: nothing is written. */
  readonly milliseconds: number;
  readonly codeBytes: number;
}

export interface Examination {
  readonly bytes: number;
  /** Undefined when accepted; else what it says. */
  readonly v8Refusal: string | undefined;
  readonly refusal: string | undefined;
  readonly features: readonly string[];
  readonly x64?: Compiled;
  readonly arm64?: Compiled;
  readonly functions: number;
  readonly sites: number;
  /** What is wrong with the tables; empty when nothing is. */
  readonly problems: readonly string[];
}

/** Of the JavaScript API, which the compiler's libraries leave out. */
declare const WebAssembly: { readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => unknown };

/** What Node's V8 keeps behind flags but engines of today have; flags it does not know it ignores. */
const V8_FLAGS = ['relaxed-simd', 'memory64', 'multi-memory', 'typed-funcref', 'extended-const', 'tail-call', 'exnref'];

export function examine(file: string): Examination {
  const bytes = new Uint8Array(readFileSync(file));
  const v8Refusal = askV8(bytes);
  const none = { bytes: bytes.length, v8Refusal, features: [], functions: 0, sites: 0, problems: [] };
  try {
    const { image: x64, compiled } = compile(bytes, file, 'x64');
    const { image: arm64, compiled: compiledArm64 } = compile(bytes, file, 'arm64');
    const same = compareSites(x64, arm64);
    const problems = [
      ...checkAllocation(x64, targets.x64.plan),
      ...checkAllocation(arm64, targets.arm64.plan),
      ...same.differences,
    ];
    const features = featuresOf(decodeModule(bytes, file));
    const { functions, sites } = same;
    return { ...none, refusal: undefined, features, x64: compiled, arm64: compiledArm64, functions, sites, problems };
  } catch (error) {
    if (!(error instanceof WagSnapError)) throw error;
    return { ...none, refusal: error.message };
  }
}

function askV8(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  for (const flag of V8_FLAGS) setFlagsFromString(`--experimental-wasm-${flag}`);
  try {
    new WebAssembly.Module(bytes);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function compile(bytes: Uint8Array, file: string, arch: 'x64' | 'arm64') {
  const started = performance.now();
  const module = decodeModule(bytes, file);
  const compiled = compileImage([{ module, file }], { target: targets[arch], allowMissingImports: true });
  const milliseconds = performance.now() - started;
  return { image: readImage(compiled.bytes), compiled: { milliseconds, codeBytes: compiled.text.length } };
}
