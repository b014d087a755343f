/** Compiles a module, with extra information for those who study the generated code. Loads the compiler. */

import { availableParallelism } from 'node:os';
import { Cancellation } from '../base/cancellation.js';
import { InputError, UsageError } from '../base/errors.js';
import { type CompileOptions as CompilerOptions, compileImageWithPauses } from '../compile/link/compile.js';
import type { EarlyPieces } from '../compile/link/early-pieces.js';
import { decodeModule } from '../wasm/decode.js';
import { ExternKind, type Module } from '../wasm/module.js';
import type { CompileOptions } from './compile-options.js';
import { importNames } from './embedder/import-object.js';
import { type LinkedModule, readLinks } from './links.js';
import { NewImage } from './opened-image.js';
import { checkEmbedder, readProgram } from './read-program.js';
import { targetFor } from './target-for.js';

export interface DetailOptions extends CompileOptions {
  /** Emit site tables and trap text. Without them a process cannot be captured. Default: true. */
  readonly sites?: boolean | undefined;
  /** List where the code of each instruction of this function starts; see findFunction. */
  readonly functionListing?: string | undefined;
  /** Modules that have been read already, instead of `links`. */
  readonly linked?: readonly LinkedModule[];
  /** What was compiled of it while it was read. */
  readonly early?: EarlyPieces | undefined;
}

/** Where the code of each instruction of one function starts: [offset in the body, text offset], both ascending. */
export interface FunctionListing {
  readonly module: Module;
  readonly funcIndex: number;
  readonly starts: (readonly [bodyOffset: number, textOffset: number])[];
}

/** @throws as compile; InputError 'function' when the module defines no such function */
export async function compileInDetail(
  source: string | Uint8Array,
  options: DetailOptions,
): Promise<{ image: NewImage; listing: FunctionListing | undefined }> {
  const { name, functionListing, deterministic = false, allowMissingImports = false, sites = true } = options;
  const { hostImports } = options;
  const file = name ?? (typeof source === 'string' ? source : 'module');
  const cancel = new Cancellation('nothing was compiled', options.signal);
  cancel.check();
  const target = targetFor(options);
  const program = await readProgram(source, file);
  checkEmbedder(program, hostImports);
  const module = decodeModule(program.bytes, program.file);
  const linked = options.linked ?? (await readLinks(options.links ?? {}));
  const others = linked.map(({ name, bytes, file }) => ({ name, module: decodeModule(bytes, file), file }));
  cancel.check();
  const listing =
    functionListing === undefined
      ? undefined
      : { module, funcIndex: findFunction(module, functionListing), starts: [] as [number, number][] };
  const image = await compileImageWithPauses(
    [...others, { module, file }],
    {
      target,
      jobs: jobsOf(options),
      deterministic,
      allowMissingImports,
      hostImports: typeof hostImports === 'object' ? importNames(hostImports) : hostImports,
      sites,
      early: options.early,
      ...(options.onProgress && { onProgress: options.onProgress }),
      ...(listing && { debugging: record(listing.funcIndex, listing.starts) }),
    },
    () => cancel.settle(),
  );
  return { image: new NewImage(image, file), listing };
}

/** Lists where the code of each instruction of a function starts. */
function record(wanted: number, starts: [bodyOffset: number, textOffset: number][]): CompilerOptions['debugging'] {
  return {
    onInstruction: (funcIndex, bodyOffset, textOffset) => {
      if (funcIndex === wanted) starts.push([bodyOffset, textOffset]);
    },
  };
}

/** Checks the number of threads. @throws UsageError */
function jobsOf({ jobs = availableParallelism() }: CompileOptions): number {
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new UsageError(`jobs: ${jobs} is not a number of threads`);
}

/** Finds a function by its index, its export name, or its name in the name section. @throws InputError 'function' */
export function findFunction(module: Module, name: string): number {
  const exported = module.exports.find((entry) => entry.kind === ExternKind.Func && entry.name === name)?.index;
  const named = [...(module.names?.functions ?? [])].find(([, known]) => known === name)?.[0];
  const index = /^\d+$/.test(name) ? Number(name) : (exported ?? named);
  if (index === undefined) throw new InputError('function', `${name}: no function has this name`);
  if (index < module.importedFuncCount || index >= module.funcTypes.length) {
    const range = `${module.importedFuncCount} to ${module.funcTypes.length - 1} have code`;
    throw new InputError('function', `${name}: functions ${range}`);
  }
  return index;
}
