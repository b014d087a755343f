/**
 * `--fd N=reopen|ignore|close|fail|PATH`: what becomes of a descriptor of a snapshot. Usage errors name those that
 * exist.
 */

import { resolve } from 'node:path';
import { quoted } from '../../src/base/terminal-text.js';
import type { FdPolicy } from '../../src/restore/grants.js';
import { descriptorLine } from '../../src/snapshot/inspect.js';
import type { Descriptor } from '../../src/snapshot/snapshot.js';
import { UsageError } from './usage.js';

const EXPECTED = 'expected N=reopen, N=ignore, N=close, N=fail or N=PATH';
const WORDS = ['reopen', 'ignore', 'close', 'fail'] as const;
const NOT_A_FILE: Partial<Record<Descriptor['kind'], string>> = {
  directory: 'it is a directory below a --dir',
  listener: 'it is a listener: --listen gives it an address',
  socket: 'it is a connection',
};

/** @throws UsageError */
export function parseFds(texts: readonly string[], descriptors: readonly Descriptor[]): ReadonlyMap<number, FdPolicy> {
  const policies = new Map<number, FdPolicy>();
  for (const text of texts) {
    const match = /^(\d{1,4})=([^\0]+)$/s.exec(text);
    if (!match) throw new UsageError(`--fd ${quoted(text)}: ${EXPECTED}`);
    const fd = Number(match[1]);
    const descriptor = descriptors.find((candidate) => candidate.fd === fd);
    if (descriptor === undefined) {
      const list = descriptors.map((candidate) => `  ${descriptorLine(candidate)}`);
      const has = list.length > 0 ? 'it has:' : 'it has none';
      throw new UsageError(`--fd ${text}: the program has no descriptor ${fd}; ${has}`, list);
    }
    if (policies.has(fd)) throw new UsageError(`--fd: descriptor ${fd} was given more than once`);
    const word = WORDS.find((candidate) => candidate === match[2]);
    const reason = NOT_A_FILE[descriptor.kind];
    if (word === undefined && reason !== undefined) {
      throw new UsageError(`--fd ${text}: a path cannot stand for descriptor ${fd}: ${reason}`);
    }
    policies.set(fd, word ?? { path: resolve(match[2]) });
  }
  return policies;
}
