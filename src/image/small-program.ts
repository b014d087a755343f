/** A static ELF file of one segment, for programs of a few hundred bytes of code that any address suits. */

import { encodeHeaders, PF_R, PF_X, PT_LOAD } from './elf.js';

/** An ELF header and a program header. */
const HEADER_SIZE = 64 + 56;
const NO_MARK = new Uint8Array(0);

/**
 * @param machine e_machine
 * @param code begins at its entry
 * @param mark bytes that follow the headers, by which the file is recognized
 */
export function smallProgram(machine: number, code: Uint8Array, mark: Uint8Array = NO_MARK): Uint8Array {
  const start = HEADER_SIZE + mark.length;
  const size = start + code.length;
  const segment = {
    type: PT_LOAD,
    flags: PF_R | PF_X,
    fileOffset: 0,
    imageOffset: 0,
    fileSize: size,
    memorySize: size,
    align: 65536,
  };
  const file = new Uint8Array(size);
  file.set(encodeHeaders({ machine, entry: start, segments: [segment] }, 0, 1));
  file.set(mark, HEADER_SIZE);
  file.set(code, start);
  return file;
}
