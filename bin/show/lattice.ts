/** Jobs and nodes of the lattice as tables. Everything in them comes from other hosts. */

import type { JobEntry, NodeEntry } from '../../src/api/lattice.js';
import { terminalText } from '../../src/base/terminal-text.js';
import { formatColumns } from './table.js';
import { formatBytes } from './units.js';

export function jobTable(jobs: readonly JobEntry[]): string {
  return formatColumns([
    ['JOB', 'STATE', 'NODE', 'FENCE', 'SNAPSHOT', 'NOTE'],
    ...jobs.map((job) => [
      job.name,
      job.state,
      job.node ?? '-',
      String(job.fence),
      terminalText(job.snapshot ?? '-'),
      terminalText(noteOf(job)),
    ]),
  ]);
}

function noteOf(job: JobEntry): string {
  const notes = [job.end, job.to && `shall move to ${job.to}`, job.restarts > 0 && `${job.restarts} restarts`];
  notes.push(...job.listen.flatMap(({ address }) => (address === null ? [] : [`listens at ${address}`])));
  if (job.uncaptured !== null) notes.push(`no newer snapshot: ${job.uncaptured}`);
  if (job.state === 'waiting') notes.push(waiting(job));
  if (job.state === 'stopping' && job.problems.length > 0) notes.push('its node is lost: it ends when a node is there');
  if (job.state === 'running' && job.problems.length > 0)
    notes.push('its node is drained, and no other node can run it');
  return notes.filter(Boolean).join('; ') || '-';
}

function waiting({ problems }: JobEntry): string {
  if (problems.length === 0) return 'there is no node';
  return problems.some(({ problems }) => problems.length === 0) ? 'it will be taken' : 'no node can run it';
}

/** Why a job is not placed, a line for each node. */
export function problemLines({ name, problems }: JobEntry): string {
  return problems
    .flatMap(({ node, problems }) => problems.map((problem) => `${terminalText(`${name}: ${node}: ${problem}`)}\n`))
    .join('');
}

export function nodeTable(nodes: readonly NodeEntry[]): string {
  return formatColumns([
    ['NODE', 'STATE', 'ARCH', 'CPUS', 'MEMORY', 'USED', 'JOBS', 'LABELS', 'DIRS', 'LISTEN'],
    ...nodes.map((node) => [
      node.name,
      node.state,
      terminalText(node.arch.join(',')),
      String(node.cpus),
      formatBytes(node.memory),
      formatBytes(node.used),
      String(node.jobs),
      terminalText(pairs(node.labels)),
      terminalText(node.dirs.join(',') || '-'),
      terminalText(pairs(node.listen)),
    ]),
  ]);
}

function pairs(words: Readonly<Record<string, string>>): string {
  return (
    Object.entries(words)
      .map(([key, value]) => `${key}=${value}`)
      .join(',') || '-'
  );
}

export function historyTable({ history }: JobEntry): string {
  return formatColumns([
    ['TIME', 'FENCE', 'WHAT', 'NODE', 'NOTE'],
    ...history.map(({ at, fence, what, node, note }) => [
      Number.isNaN(new Date(at).getTime()) ? '?' : new Date(at).toISOString(),
      String(fence),
      what,
      node ?? '-',
      terminalText(note ?? '-'),
    ]),
  ]);
}
