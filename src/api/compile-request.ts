/** What is compiled to get an image: plain data, so that another thread can do it (compile-apart.ts). Loads the compiler. */

import { availableParallelism } from 'node:os';
import { targetOf } from '../arch/targets.js';
import { ModuleError } from '../base/errors.js';
import {
  type CompiledImage,
  type CompileOptions,
  compileImage,
  compileImageWithPauses,
  type ModuleInput,
} from '../compile/link/compile.js';
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

/** The image, and the index of the attempt that made it. */
interface Compiled {
  readonly image: CompiledImage;
  readonly attempt: number;
}

/** @throws ModuleError, LimitError */
export function compileAttempts(request: CompileRequest): Compiled {
  const { modules, attempts } = prepare(request);
  for (let attempt = 0; ; attempt++) {
    try {
      return { image: compileImage(modules, attempts[attempt]), attempt };
    } catch (error) {
      if (!isUnlinkable(error) || attempt + 1 === attempts.length) throw error;
    }
  }
}

/** The same, but other work can run now and then. @param pause what it throws ends the work */
export async function compileAttemptsWithPauses(
  request: CompileRequest,
  pause: () => Promise<void>,
): Promise<Compiled> {
  const { modules, attempts } = prepare(request);
  for (let attempt = 0; ; attempt++) {
    try {
      return { image: await compileImageWithPauses(modules, attempts[attempt], pause), attempt };
    } catch (error) {
      if (!isUnlinkable(error) || attempt + 1 === attempts.length) throw error;
    }
  }
}

function prepare(request: CompileRequest): {
  readonly modules: readonly ModuleInput[];
  readonly attempts: readonly CompileOptions[];
} {
  const { attempts, deterministic, hostImports, early } = request;
  const modules = request.modules.map(({ bytes, ...rest }) => ({ module: decodeModule(bytes, rest.file), ...rest }));
  const target = targetOf(request.target.name, request.target.cpuNeeds);
  const options = { target, deterministic, hostImports, early, jobs: availableParallelism() };
  return { modules, attempts: attempts.map((allowMissingImports) => ({ ...options, allowMissingImports })) };
}

function isUnlinkable(error: unknown): boolean {
  return error instanceof ModuleError && error.code === 'unlinkable';
}
