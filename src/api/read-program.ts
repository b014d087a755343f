/** What is given to be compiled, to the binary of one module. */

import { isComponent } from '../wasm/component/preamble.js';
import { readModuleBytes } from '../wasm/wat.js';

/** The binary of a module, and what to call it in messages. */
export interface ProgramBytes {
  readonly bytes: Uint8Array;
  readonly file: string;
}

/** What is to be compiled, before it is known whether it has to be: an image of it may be there. */
export interface ProgramContents {
  /** Of a module or a component: they say which program it is. */
  readonly bytes: Uint8Array;
  readonly isComponent: boolean;
  /** The module to compile, made when it is first asked for. @throws ModuleError, LimitError */
  module(): ProgramBytes;
}

/** As readProgram, in two steps. @throws InputError, LimitError */
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
 * The module in a file or in bytes: a module in either form, or the one that a component is made of.
 *
 * @param source a path, or bytes
 * @param name for messages
 * @throws InputError, LimitError
 */
export async function readProgram(source: string | Uint8Array, name: string): Promise<ProgramBytes> {
  return (await readContents(source, name)).module();
}
