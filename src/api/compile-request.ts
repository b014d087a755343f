/** What is compiled to get an image: plain data, so that another thread can do it (compile-apart.ts). Loads the compiler. */

import { availableParallelism } from 'node:os';
import { targetOf } from '../arch/targets.js';
import { ModuleError } from '../base/errors.js';
import { type CompiledImage, compileImage } from '../compile/link/compile.js';
import type { EarlyPieces } from '../compile/link/early-pieces.js';
import { attemptsOf, type ImageRequest, type LinkedModule } from '../image/image-source.js';
import { decodeModule } from '../wasm/decode.js';

export interface CompileRequest {
  /** In the order in which they are instantiated; the last one is the program. */
  readonly modules: readonly (Omit<LinkedModule, 'name'> & { readonly name?: string })[];
  readonly target: { readonly name: ImageRequest['target']['name']; readonly cpuNeeds: number };
  readonly deterministic: boolean;
  readonly hostImports?: ImageRequest['hostImports'];
  /** Whether missing imports are allowed: tried in this order, as long as the program cannot be linked. */
  readonly attempts: readonly boolean[];
  /** What was compiled of the program while it was read. */
  readonly early?: EarlyPieces | undefined;
}

export function compileRequestOf(request: ImageRequest, early?: EarlyPieces): CompileRequest {
  const { allowMissingImports, linked = [], target, deterministic, hostImports } = request;
  const { bytes, file } = request.moduleOf?.() ?? request;
  return {
    modules: [...linked, { bytes, file }],
    target: { name: target.name, cpuNeeds: target.cpuNeeds },
    deterministic,
    hostImports,
    attempts: attemptsOf(allowMissingImports),
    early,
  };
}

/** @returns the image, and the index of the attempt that made it. @throws ModuleError, LimitError */
export function compileAttempts(request: CompileRequest): { readonly image: CompiledImage; readonly attempt: number } {
  const { attempts, deterministic, hostImports, early } = request;
  const modules = request.modules.map(({ bytes, ...rest }) => ({ module: decodeModule(bytes, rest.file), ...rest }));
  const target = targetOf(request.target.name, request.target.cpuNeeds);
  for (let attempt = 0; ; attempt++) {
    try {
      const allowMissingImports = attempts[attempt];
      const options = { target, deterministic, hostImports, allowMissingImports, early, jobs: availableParallelism() };
      return { image: compileImage(modules, options), attempt };
    } catch (error) {
      const again = error instanceof ModuleError && error.code === 'unlinkable' && attempt + 1 < attempts.length;
      if (!again) throw error;
    }
  }
}
