/** Snapshots of a store or a registry, as a table and as JSON. */

import type { Generation } from '../../src/api/store.js';
import { terminalText } from '../../src/base/terminal-text.js';
import { formatColumns } from './table.js';
import { formatAge, formatBytes } from './units.js';

/** Of an encrypted snapshot. */
const HIDDEN = '-';

export function generationTable(generations: readonly Generation[]): string {
  const now = Date.now();
  return formatColumns([
    ['NAME', 'TAG', 'AGE', 'SIZE', 'OWN', 'MEMORY', 'CPU', 'HOST', 'MODULE'],
    ...generations.map(({ name, tag, facts, ownSize, size }) => [
      name,
      tag,
      formatAge(Math.max(0, now - facts.created.getTime()) / 1000),
      formatBytes(size),
      formatBytes(ownSize),
      facts.memory === undefined ? HIDDEN : formatBytes(facts.memory),
      terminalText(facts.arch ?? HIDDEN),
      terminalText(facts.host ?? HIDDEN),
      facts.encrypted ? 'encrypted' : terminalText(facts.module ?? HIDDEN),
    ]),
  ]);
}

export function generationJson({ name, tag, facts, ownSize, size }: Generation): object {
  return {
    name,
    tag,
    ...facts,
    created: facts.created.toISOString(),
    parent: facts.parent ?? null,
    size,
    own: ownSize,
  };
}
