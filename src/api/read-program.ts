/** What is given to be compiled, to the binary of one module. */

import { isComponent } from '../wasm/component/preamble.js';
import { readModuleBytes } from '../wasm/wat.js';

/** The binary of a module, and what to call it in messages. */
export interface ProgramBytes {
  readonly bytes: Uint8Array;
  readonly file: string;
}

/**
 * The module in a file or in bytes: a module in either form, or the one that a component is made of.
 *
 * @param source a path, or bytes
 * @param name for messages
 * @throws InputError, LimitError
 */
export async function readProgram(source: string | Uint8Array, name: string): Promise<ProgramBytes> {
  const bytes = await readModuleBytes(source, name);
  if (!isComponent(bytes)) return { bytes, file: name };
  return (await import('../wasm/component/command.js')).commandModule(bytes, name);
}
