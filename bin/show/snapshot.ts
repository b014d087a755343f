/** Shows a snapshot for `inspect`: its contents and its stack trace, as text and as an object. */

import { snapshotFacts, traceOf } from '../../src/api/describe-snapshot.js';
import type { SnapshotDescription } from '../../src/api/description.js';
import { descriptorLine } from '../../src/api/descriptor-line.js';
import { terminalLines } from '../../src/base/terminal-text.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import type { Description } from './describe.js';
import { importList } from './import-list.js';
import { count, plural, traceLines } from './trace.js';
import { formatBytes } from './units.js';

/**
 * @param name the file's name, for people
 * @throws InputError when a module in the snapshot is damaged
 */
export function describeSnapshot(
  stored: StoredSnapshot,
  name = stored.path,
): Description & { json: SnapshotDescription } {
  const trace = traceOf(stored);
  const json = snapshotFacts(stored, name, trace);
  const { source, instances, exceptions, host } = json;
  const memories = instances.flatMap((instance) => instance.memories);
  const lines = [
    `snapshot ${name}`,
    `  taken       ${json.created} on ${source.arch}, wag-snap ${source.compiler}${source.deterministic ? ', deterministic' : ''}`,
    ...(json.name === null ? [] : [`  name        ${json.name}`]),
    ...packingLines(json),
    ...ancestorLines(stored),
    ...(json.trap ? [`  trapped     ${json.trap.message}`] : []),
    ...(json.call ? [`  call        of function ${json.call.function}, run --invoke: restore prints its results`] : []),
    ...json.modules.map(
      ({ name, sha256, size, included }) =>
        `  module      ${name === '' ? '(no name)' : name}, ${count(size)} bytes, sha256 ${sha256.slice(0, 16)}…${included ? '' : ' (left out)'}`,
    ),
    `  globals     ${count(sum(instances, ({ globals }) => globals.length))}`,
    `  tables      ${count(sum(instances, ({ tables }) => tables.length))}`,
    `  memory      ${plural(
      sum(memories, ({ pages }) => pages),
      'page',
    )} of 64 KiB, ${count(sum(memories, ({ usedPages }) => usedPages))} of them in use`,
    ...instances.flatMap(memoryLines),
    `  arguments   ${host.args.join(' ')}`,
    ...stored.snapshot.host.descriptors.map((descriptor) => `  descriptor  ${descriptorLine(descriptor)}`),
    ...(host.embedder === null ? [] : [`  embedder    ${embedderLine(host.embedder)}`]),
    ...(exceptions.length > 0 ? [`  exceptions  ${count(exceptions.length)}`] : []),
    `  frames      ${count(json.frames.count)}`,
    ...traceLines(trace).map((line) => `    ${line}`),
  ];
  return { json, text: terminalLines(lines) };
}

/** How the file is stored, if it is packed, and who has signed it. */
function packingLines({ packing, bytes, signer }: SnapshotDescription): string[] {
  const signed = signer === null ? [] : [`  signed      by ${signer}`];
  if (packing === null) return signed;
  const { codec, encrypted, unpacked } = packing;
  const how = [...(codec === 'none' ? [] : [codec]), ...(encrypted ? ['encrypted'] : [])].join(', ');
  const ratio = (unpacked / bytes).toFixed(1);
  return [`  packed      ${how}: ${formatBytes(bytes)}, of ${formatBytes(unpacked)} (${ratio} x)`, ...signed];
}

/** The other files that a snapshot with a parent needs. */
function ancestorLines({ snapshot, ancestors: found }: StoredSnapshot): string[] {
  const { parent, ancestors = [] } = snapshot;
  if (parent === undefined) return [];
  const needed = ancestors.map(({ digest, name }, i) => {
    const place = found === undefined ? '' : `, found as ${found[i].path}`;
    return `  needs       ${name || '(no name)'}, digest ${digest.slice(0, 16)}…${place}`;
  });
  return [`  parent      digest ${parent.slice(0, 16)}…`, ...needed];
}

function embedderLine({ lastCall, isPending, imports }: NonNullable<SnapshotDescription['host']['embedder']>): string {
  return `${importList(imports)}; ${plural(lastCall, 'call')}${isPending ? ', the last one waits' : ''}`;
}

/** The memories of each instance, in order, when there are several instances. */
function memoryLines({ memories }: SnapshotDescription['instances'][number], instance: number): string[] {
  if (memories.length < 2) return [];
  return memories.map(({ pages, usedPages }, i) => {
    return `    #${i} of instance ${instance}: ${plural(pages, 'page')}, ${count(usedPages)} in use`;
  });
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
