/**
 * .symtab and .strtab: a local function symbol for each row of the function table, for profilers and debuggers. Our own
 * code does not read them. System V gABI chapter 4, "Symbol Table".
 */

const SYMBOL_SIZE = 24;
const STT_FUNC = 2; // binding local

export interface Symbols {
  readonly symtab: Uint8Array;
  readonly strtab: Uint8Array;
  readonly count: number; // all are local: also the section's sh_info
}

/**
 * @param functions the function table's words (image/contract/site-tables.ts FR_*)
 * @param names the names of its rows
 * @param textSection index of .text among the section headers
 */
export function encodeSymbols(
  functions: Uint32Array,
  names: readonly string[],
  textStart: number,
  textSection: number,
): Symbols {
  const count = names.length + 1;
  const symtab = new Uint8Array(count * SYMBOL_SIZE);
  const view = new DataView(symtab.buffer);
  const known = names.map((name, row) => name || `func-${functions[row * 8 + 3]}`);
  const strtab = Buffer.from(`\0${known.join('\0')}\0`);
  let name = 1;
  for (let row = 0; row < names.length; row++) {
    const at = (row + 1) * SYMBOL_SIZE;
    const start = functions[row * 8];
    view.setUint32(at, name, true);
    view.setUint8(at + 4, STT_FUNC);
    view.setUint16(at + 6, textSection, true);
    view.setUint32(at + 8, textStart + start, true);
    view.setUint32(at + 16, functions[row * 8 + 1] - start, true);
    name += Buffer.byteLength(known[row]) + 1;
  }
  return { symtab, strtab, count };
}
