/** Lists functions of the embedder on one line, for people. */

import { count } from './trace.js';

/** The most functions on the line. */
const SHOWN = 8;

export function importList(imports: readonly { readonly module: string; readonly name: string }[]): string {
  const shown = imports.slice(0, SHOWN).map(({ module, name }) => `${module}.${name}`);
  const more = imports.length > SHOWN ? [`${count(imports.length - SHOWN)} more`] : [];
  return [...shown, ...more].join(', ');
}
