/**
 * What the scripts of the suite are about, for a table of assertions by area. A script in a folder of its own (a proposal,
 * the legacy instructions) is of the area of that name; others are told by their names, as the suite has no folders for
 * them.
 */

import { basename, dirname } from 'node:path';

/** The first that fits; the suite's scripts of a family have a common beginning. */
const AREAS: readonly (readonly [area: string, names: RegExp])[] = [
  ['casts', /^(br_on_cast|ref_cast|ref_test)/],
  ['objects', /^(array|struct|i31|extern|binary-gc|ref_eq)/],
  ['types', /^(type|table-sub|unreached|local_init|ref|br_on|call_ref|return_call_ref)/],
  ['imports, linking', /^(imports|linking|exports|instance|data1|elem|start0|simd_linking|memory64-imports)/],
  ['exceptions', /^(tag|throw|try|rethrow)/],
  ['tail calls', /^return_call/],
  ['vectors', /^(simd|relaxed|i8x16|i16x8|i32x4)/],
  ['64-bit addresses', /(64|_mixed)$|^(memory64|table64)/],
  ['memories', /^(memory|data|load|store|address|align|bulk|endianness|float_memory|traps)/],
  ['tables', /^(table|call_indirect)/],
  ['numbers', /^(i32|i64|f32|f64|float|int|const|conversions)/],
  ['binary and text', /^(binary|utf8|custom|token|comments|names|id|annotations|obsolete|inline)/],
];
const OTHER = 'control and the rest';

/** @param path of the script */
export function areaOf(path: string): string {
  const folder = basename(dirname(path));
  if (/^(custom|legacy|custom-page-sizes|wide-arithmetic|threads|exception-handling)$/.test(folder)) return folder;
  if (basename(dirname(dirname(path))) === 'proposals') return folder;
  const name = basename(path, '.wast');
  return AREAS.find(([, names]) => names.test(name))?.[0] ?? OTHER;
}
