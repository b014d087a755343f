/** Converts the results of a call from bits to JavaScript values. */

import type { InvokeReply, InvokeResult, RawReply, RawResult } from './reply.js';
import { toValue } from './stored-value.js';

export function toReply(reply: RawReply): InvokeReply {
  return reply.kind === 'results' ? { kind: 'results', results: reply.results.map(toResult) } : reply;
}

/** The bits of a reference are its address in the process, or 0. */
function toResult({ type, bits }: RawResult): InvokeResult {
  const word = (n: number) => Number((bits >> BigInt(32 * n)) & 0xffff_ffffn);
  const value = toValue({ type, lo: word(0), hi: word(1), upper: { lo: word(2), hi: word(3) } });
  if (value.type !== 'funcref' && value.type !== 'externref' && value.type !== 'exnref') return value;
  return { type: value.type, value: bits === 0n ? null : undefined };
}
