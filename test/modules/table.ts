/** The rows of docs/modules.md. */

import type { Compiled, Examination } from './examine.js';
import type { PublishedModule } from './list.js';

const HEAD = [
  '| module | MB | features | functions | sites | x64: s | code MB | arm64: s | code MB | |',
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
];

export function table(rows: readonly string[]): string {
  return [...HEAD, ...rows].join('\n');
}

/** `ran`: the CPUs on which it printed what it should. */
export function row(entry: PublishedModule, found: Examination, ran: readonly string[]): string {
  const name = `${entry.package} ${entry.file.split('/').at(-1)}`;
  const figures = found.refusal === undefined ? [...ofCode(found.x64!), ...ofCode(found.arm64!)] : ['', '', '', ''];
  const remarks = [
    ...(found.refusal === undefined ? [] : [found.v8Refusal === undefined ? 'refused' : 'refused, as by V8']),
    ...(entry.note === undefined ? [] : [entry.note]),
    ...(ran.length > 0 ? [`runs: ${ran.join(', ')}`] : []),
  ];
  const cells = [name, megabytes(found.bytes), found.features.join(', '), found.functions, found.sites, ...figures];
  return `| ${[...cells, remarks.join('; ')].join(' | ')} |`;
}

function ofCode({ milliseconds, codeBytes }: Compiled): [string, string] {
  return [(milliseconds / 1000).toFixed(1), megabytes(codeBytes)];
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
