/** `--fd N=reopen|ignore|close|fail|PATH`: what happens to a descriptor of a snapshot. */

import type { FdPolicy } from '../../src/api/restore-grants.js';
import { quoted } from '../../src/base/terminal-text.js';
import { UsageError } from './usage.js';

const EXPECTED = 'expected N=reopen, N=ignore, N=close, N=fail or N=PATH';
const WORDS = ['reopen', 'ignore', 'close', 'fail'] as const;

/** @throws UsageError */
export function parseFds(texts: readonly string[]): ReadonlyMap<number, FdPolicy> {
  const policies = new Map<number, FdPolicy>();
  for (const text of texts) {
    const match = /^(\d{1,4})=([^\0]+)$/s.exec(text);
    if (!match) throw new UsageError(`--fd ${quoted(text)}: ${EXPECTED}`);
    const fd = Number(match[1]);
    if (policies.has(fd)) throw new UsageError(`--fd: descriptor ${fd} was given more than once`);
    policies.set(fd, WORDS.find((word) => word === match[2]) ?? { path: match[2] });
  }
  return policies;
}
