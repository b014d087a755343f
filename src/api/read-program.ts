/** Reads what is to be compiled: gives the binary of one module. */

import { ModuleError } from '../base/errors.js';
import { isComponent } from '../wasm/component/preamble.js';
import { readModuleBytes } from '../wasm/wat.js';

/** The binary of a module, and its name in messages. */
export interface ProgramBytes {
  readonly bytes: Uint8Array;
  readonly file: string;
  /** Of a component: what it imports that nothing provides. */
  readonly missing?: readonly string[];
}

/** A program that is read but not yet known to need compiling, as the cache may have its image. */
export interface ProgramContents {
  /** The bytes of the module or component, which identify the program. */
  readonly bytes: Uint8Array;
  readonly isComponent: boolean;
  /** Makes the module to compile when it is first called. @throws ModuleError, LimitError */
  module(): ProgramBytes;
}

/**
 * Refuses an embedder's functions as imports of a component: they would be called with addresses in a memory that the
 * embedder cannot see.
 *
 * @throws ModuleError
 */
export function checkEmbedder({ missing: [first] = [], file }: ProgramBytes, hostImports: unknown): void {
  if (first === undefined || hostImports === undefined || hostImports === false) return;
  const detail = `not supported yet: a component's import from the embedder (${first})`;
  throw new ModuleError('unsupported', detail, 0, file);
}

/** readProgram in two steps. @throws InputError, LimitError */
export async function readContents(source: string | Uint8Array, name: string): Promise<ProgramContents> {
  const bytes = await readModuleBytes(source, name);
  if (!isComponent(bytes)) return { bytes, isComponent: false, module: () => ({ bytes, file: name }) };
  const [{ commandModule }, { loadInterfaces }] = await Promise.all([
    import('../wasm/component/command.js'),
    import('./interfaces.js'),
  ]);
  let module: ProgramBytes | undefined;
  return { bytes, isComponent: true, module: () => (module ??= commandModule(bytes, name, loadInterfaces)) };
}

/**
 * The module in a file or in bytes: a module of either form, or the module made from a component.
 *
 * @param source a path, or bytes
 * @param name for messages
 * @throws InputError, LimitError
 */
export async function readProgram(source: string | Uint8Array, name: string): Promise<ProgramBytes> {
  return (await readContents(source, name)).module();
}
