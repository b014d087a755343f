/** Checks that the embedder provides what a program imports from it, with the same types. */

import { InputError } from '../../base/errors.js';
import { type ImportFunction, type Imports, provided, type TypedImport } from './import-object.js';
import type { ImportRow } from './messages.js';

const LISTED = 40;

/** All mismatches as one error; undefined when there are none. */
export function checkImports(rows: readonly ImportRow[], imports: Imports): InputError | undefined {
  const problems = rows.flatMap((row) => {
    const problem = problemOf(row, provided(imports, row.module, row.name));
    return problem === undefined ? [] : [`  ${row.module}.${row.name} ${formatType(row)}: ${problem}`];
  });
  if (problems.length === 0) return undefined;
  const lines = problems.slice(0, LISTED);
  if (problems.length > LISTED) lines.push(`  ... and ${problems.length - LISTED} more`);
  return new InputError(
    'imports',
    'the program cannot run: the functions given to it do not match its imports:',
    lines,
  );
}

function problemOf(row: ImportRow, found: ImportFunction | TypedImport | undefined): string | undefined {
  if (found === undefined) return 'is missing';
  if (typeof found === 'function') return undefined;
  if (typeof found !== 'object' || found === null || typeof found.call !== 'function') return 'is not a function';
  const same = (a: readonly string[], b: readonly string[]) =>
    a.length === b.length && a.every((one, i) => one === b[i]);
  if (same(found.params, row.params) && same(found.results, row.results)) return undefined;
  return `is of type ${formatType(found)}`;
}

function formatType({ params, results }: { readonly params: readonly string[]; readonly results: readonly string[] }) {
  return `(${params.join(' ')}) -> (${results.join(' ')})`;
}
