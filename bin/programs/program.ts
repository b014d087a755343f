/**
 * What `run` was given, as an image to start: an image is itself, a module is compiled or found in the cache.
 *
 * Loads the compiler only when it is needed.
 */

import { InputError } from '../../src/base/errors.js';
import { nameTemporary } from '../../src/base/temporary.js';
import { terminalLines } from '../../src/base/terminal-text.js';
import type { Import, Module } from '../../src/wasm/module.js';
import { parseArch } from '../options/usage.js';
import type { InputFile } from './input-file.js';

export interface ProgramOptions {
  readonly deterministic: boolean;
  readonly allowMissingImports: boolean;
}

export interface Program {
  /** Path of the image. */
  readonly image: string;
  /** Whether the module is there: an image may have been made without. */
  readonly hasModule: boolean;
  /** The decoded module. */
  module(): Promise<Module>;
  /** A line per import on stderr. */
  printImports(): Promise<void>;
  /** Whether the image is a temporary file. */
  readonly isTemporary: boolean;
  /** Deletes what is temporary; the program may be running. May be called twice. */
  release(): void;
}

export async function openProgram(input: InputFile, options: ProgramOptions): Promise<Program> {
  const { name, path, kind } = input;
  if (kind === 'image') {
    const hasModule = await checkImage(path);
    return program(
      path,
      hasModule,
      input.isTemporary,
      () => input.release(),
      async () => (await import('../../src/wasm/decode.js')).decodeModule(await carriedModule(path)),
    );
  }
  const [{ readModuleBytes }, { cachedImages }, { ImageCache }, { targets }, { decodeModule }] = await Promise.all([
    import('../../src/wasm/wat.js'),
    import('../../src/api/cached-image.js'),
    import('../../src/image/cache.js'),
    import('../../src/arch/targets.js'),
    import('../../src/wasm/decode.js'),
  ]);
  const bytes = await readModuleBytes(path, name);
  input.release();
  const image = cachedImages(new ImageCache())({
    bytes,
    file: name,
    target: targets[parseArch(undefined)],
    ...options,
  });
  nameTemporary(image.path, name);
  return program(image.path, true, image.temporary, image.release, async () => decodeModule(bytes, name));
}

function program(
  image: string,
  hasModule: boolean,
  isTemporary: boolean,
  release: () => void,
  module: () => Promise<Module>,
): Program {
  const printImports = async () => {
    const { imports, types } = await module();
    const lines = await Promise.all(imports.map((entry) => formatImport(entry, types)));
    process.stderr.write(terminalLines(lines));
  };
  return { image, hasModule, module, printImports, isTemporary, release };
}

/**
 * Any other ELF file would run just as well, without what the options ask for.
 * @returns whether it carries its main module
 */
async function checkImage(path: string): Promise<boolean> {
  const { readImage } = await import('../../src/image/reader.js');
  const image = readImage(path);
  try {
    return (image.identity.modules.at(-1)?.offset ?? -1) >= 0;
  } finally {
    image.close();
  }
}

/** The main module that an image carries. */
async function carriedModule(path: string): Promise<Uint8Array> {
  const { readImage } = await import('../../src/image/reader.js');
  const image = readImage(path);
  try {
    const bytes = image.moduleBytes(image.identity.modules.length - 1);
    if (bytes === undefined) throw new InputError('no-module', `${path}: the image does not carry its module`);
    return bytes;
  } finally {
    image.close();
  }
}

/** `import fd_write(i32, i32, i32, i32) i32`; the module's name only where it is not WASI's. */
async function formatImport(entry: Import, types: Module['types']): Promise<string> {
  const { formatFuncType, formatGlobalType, formatMemoryType, formatTableType } = await import(
    '../../src/wasm/text.js'
  );
  const { ExternKind } = await import('../../src/wasm/module.js');
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
