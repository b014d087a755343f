/**
 * Turns the program to start into an image: an image is used as it is, a module is compiled or found in the cache.
 *
 * Loads the compiler only when it is needed.
 */

import { basename } from 'node:path';
import type { ArchName } from '../arch/masm/target.js';
import { Cancellation } from '../base/cancellation.js';
import { InputError } from '../base/errors.js';
import { nameTemporary } from '../base/temporary-names.js';
import type { EarlyPieces } from '../compile/link/early-pieces.js';
import type { ImageCache } from '../image/cache.js';
import type { ImageRequest } from '../image/image-source.js';
import type { EmbedderImport } from '../image/tables/identity.js';
import { entryFunction } from '../wasm/entry.js';
import { ExternKind, type Import, type Module } from '../wasm/module.js';
import type { ArrivedModule } from './early-compilation.js';
import type { FileKind } from './file-kind.js';
import type { LinkedModule } from './links.js';
import type { Prepared } from './prepared.js';
import { checkEmbedder, type ProgramBytes, readContents } from './read-program.js';

/** A file that holds a module or an image. */
export interface ProgramFile {
  /** The name in messages. */
  readonly name: string;
  readonly path: string;
  readonly kind: FileKind;
  /** Whether it is a temporary file, which `release` deletes. */
  readonly isTemporary: boolean;
  /** What was read of a module that came by a pipe; then there is no file. */
  readonly arrived?: ArrivedModule | undefined;
  /** May be called twice. */
  release(): void;
}

/** How a module is compiled. */
export interface ProgramOptions {
  /** The CPU that a module is compiled for. */
  readonly arch: ArchName;
  readonly deterministic: boolean;
  readonly allowMissingImports: boolean;
  /** Modules that it is linked to. */
  readonly linked?: readonly LinkedModule[] | undefined;
  /** Starts a module that the cache does not have before it is compiled, if it can (canGrow). Default: false. */
  readonly beginAtOnce?: boolean | undefined;
  /** Functions that the embedder provides; default: none. */
  readonly hostImports?: readonly EmbedderImport[] | undefined;
}

/**
 * So few bytes of function bodies are compiled first. Of a CPython with 300 KB left, the first line came as soon either
 * way (1.0 s after the pipe's end), and with 1 MB left in 0.84 s against 1.34 s when it was compiled first.
 */
const LITTLE_LEFT = 500_000;

export interface PreparedProgram extends Prepared {
  /** Its name, for messages. */
  readonly name: string;
  /** Whether there is a module to search for an entry: an image may not carry its module; components have an entry. */
  readonly hasModule: boolean;
  /** The decoded module. */
  module(): Promise<Module>;
}

/**
 * @param process its arguments and environment
 * @param signal gives it up, after the compilation
 * @throws InputError, LimitError, ToolError
 */
export async function prepareProgram(
  input: ProgramFile,
  options: ProgramOptions,
  process: Pick<Prepared, 'args' | 'env'>,
  signal?: AbortSignal,
): Promise<PreparedProgram> {
  const cancel = new Cancellation('nothing was started', signal);
  const program = input.kind === 'image' ? await ownImage(input) : await compiledImage(input, options);
  try {
    await cancel.settle();
  } catch (error) {
    program.release();
    throw error;
  }
  const argv0 = input.kind === 'image' ? input.name : basename(input.name);
  const descriptors = program.growing ? [program.growing.descriptor, 'pipe' as const] : [];
  return { ...program, name: input.name, argv0, ...process, descriptors, started: () => {} };
}

type Kept = 'image' | 'isTemporary' | 'release' | 'hasModule' | 'hostImports' | 'module' | 'growing';
type Program = Pick<PreparedProgram, Kept>;

async function ownImage(input: ProgramFile): Promise<Program> {
  const { path, isTemporary } = input;
  return {
    image: path,
    ...(await checkImage(path)),
    module: async () => (await import('../wasm/decode.js')).decodeModule(await carriedModule(path)),
    isTemporary,
    release: () => input.release(),
  };
}

async function compiledImage(input: ProgramFile, options: ProgramOptions): Promise<Program> {
  const { name, path, arrived } = input;
  const [{ cachedImages, findCached }, { ImageCache }, { targets }, { decodeModule }] = await Promise.all([
    import('./cached-image.js'),
    import('../image/cache.js'),
    import('../arch/targets.js'),
    import('../wasm/decode.js'),
  ]);
  const { bytes, isComponent, module: read } = await readContents(arrived?.bytes ?? path, name);
  input.release();
  const module = () => {
    const program = read();
    checkEmbedder(program, options.hostImports);
    return program;
  };
  const target = targets[options.arch];
  const request = { bytes, file: name, target, ...options, ...(isComponent && { moduleOf: module }) };
  const cache = new ImageCache();
  const cached = options.beginAtOnce ? findCached(request, cache) : undefined;
  if (options.beginAtOnce && cached === undefined) {
    const growing = await growingProgram(request, module(), cache, arrived?.early);
    if (growing !== undefined) return { ...growing, hasModule: !isComponent };
  }
  const image = cached ?? (await cachedImages(cache, { early: arrived?.early })(request));
  nameTemporary(image.path, name);
  return {
    image: image.path,
    hasModule: !isComponent,
    hostImports: options.hostImports ? (await checkImage(image.path)).hostImports : [],
    module: async () => decodeModule(module().bytes, module().file),
    isTemporary: image.temporary,
    release: image.release,
  };
}

/** @returns undefined when the module is to be compiled first */
async function growingProgram(
  request: ImageRequest,
  { bytes, file }: ProgramBytes,
  cache: ImageCache,
  early: EarlyPieces | undefined,
): Promise<Omit<Program, 'hasModule'> | undefined> {
  const { decodeModule } = await import('../wasm/decode.js');
  const [{ canGrow }, { bodyBytesOf }] = await Promise.all([
    import('../compile/link/growing-image.js'),
    import('../compile/link/bodies.js'),
  ]);
  const module = decodeModule(bytes, file);
  const isLinked = (request.linked ?? []).length > 0 || request.hostImports !== undefined;
  if (isLinked || !canGrow(module)) return undefined;
  if (early !== undefined && bodyBytesOf(module) - early.bodyBytes < LITTLE_LEFT) return undefined;
  const { GrowingProgram } = await import('./growing-program.js');
  const growing = new GrowingProgram(request, { module, file }, cache, early);
  nameTemporary(growing.path, request.file);
  return {
    image: growing.path,
    hostImports: [],
    module: () => Promise.resolve(module),
    isTemporary: true,
    release: () => growing.release(),
    growing,
  };
}

/**
 * Other ELF files would start just as well, but would ignore the options.
 * @returns whether the image carries its main module, and what it imports from its embedder
 */
async function checkImage(path: string): Promise<Pick<PreparedProgram, 'hasModule' | 'hostImports'>> {
  const { readImage } = await import('../image/reader.js');
  const image = readImage(path);
  try {
    const { modules, hostImports = [] } = image.identity;
    return { hasModule: (modules.at(-1)?.offset ?? -1) >= 0, hostImports };
  } finally {
    image.close();
  }
}

/** The main module that an image carries. */
async function carriedModule(path: string): Promise<Uint8Array> {
  const { readImage } = await import('../image/reader.js');
  const image = readImage(path);
  try {
    const bytes = image.moduleBytes(image.identity.modules.length - 1);
    if (bytes === undefined) throw new InputError('no-module', `${path}: the image does not carry its module`);
    return bytes;
  } finally {
    image.close();
  }
}

/**
 * Whether a module has an entry. A module without one would end at once, successfully.
 *
 * @returns undefined when it does; else the names of the functions that it exports
 */
export function functionsWithoutEntry(module: Module): string[] | undefined {
  if (module.start !== undefined || entryFunction(module, true) !== undefined) return undefined;
  return module.exports.filter(({ kind }) => kind === ExternKind.Func).map(({ name }) => name);
}

/** A line for each import: `import fd_write(i32, i32, i32, i32) i32`. */
export async function importLines({ imports, types }: Module): Promise<string[]> {
  const formats = await import('../wasm/text.js');
  return imports.map((entry) => formatImport(entry, types, formats));
}

/** Includes the module's name only when it is not WASI's. */
function formatImport(entry: Import, types: Module['types'], formats: typeof import('../wasm/text.js')): string {
  const { formatFuncType, formatGlobalType, formatMemoryType, formatTableType } = formats;
  const name = entry.module.startsWith('wasi_') ? entry.name : `${entry.module}.${entry.name}`;
  switch (entry.kind) {
    case ExternKind.Func:
      return `import ${name}${formatFuncType(types[entry.typeIndex])}`;
    case ExternKind.Table:
      return `import table ${name} ${formatTableType(entry.table)}`;
    case ExternKind.Memory:
      return `import memory ${name} ${formatMemoryType(entry.memory)}`;
    case ExternKind.Global:
      return `import global ${name} ${formatGlobalType(entry.global)}`;
    case ExternKind.Tag:
      return `import tag ${name} ${formatFuncType(types[entry.typeIndex])}`;
  }
}
