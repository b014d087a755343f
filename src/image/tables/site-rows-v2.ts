/**
 * The rows of sites, traps and pins in older images, tables of version 1 and 2 (image/contract/site-tables.ts): u32, as
 * they are, with two columns joined. Here they become those of today.
 */

import { ROW_WORDS, SHAPE } from './site-columns.js';
import { tableWords } from './table-words.js';

/** @param what names the table, for the error */
export function rowsOfSites(section: Uint8Array, what: string): Uint32Array {
  const rows = tableWords(section, 12, what).slice();
  for (let at = SHAPE; at < rows.length; at += ROW_WORDS) rows[at] = ((rows[at] << 2) | (rows[at] >>> 30)) >>> 0;
  return rows;
}

export function rowsOfTraps(section: Uint8Array, what: string): Uint32Array {
  const words = tableWords(section, 8, what);
  const rows = new Uint32Array((words.length / 2) * ROW_WORDS);
  for (let from = 0, to = 0; from < words.length; from += 2, to += ROW_WORDS) {
    rows[to] = words[from];
    rows[to + 1] = words[from + 1] & 0x7ffffff;
    rows[to + 2] = words[from + 1] >>> 27;
  }
  return rows;
}

export function rowsOfPins(section: Uint8Array, what: string): Uint32Array {
  return tableWords(section, 12, what);
}
