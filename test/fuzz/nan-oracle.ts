/** NaNs as `--deterministic` makes them, of raw bits. */

import { MAKES_NAN, VECTOR_NANS } from './code.js';
import type { Raw } from './numeric-oracle.js';

/** What an operation gives, but any NaN that it may have made is the canonical one. */
export function canonical(code: number, result: Raw): Raw {
  if (MAKES_NAN.has(code)) return canonicalNaN(result);
  switch (VECTOR_NANS.get(code)) {
    case 'f32x4':
      return canonicalLanes(result as bigint, 32);
    case 'f64x2':
      return canonicalLanes(result as bigint, 64);
    default:
      return result;
  }
}

function canonicalLanes(vector: bigint, bits: 32 | 64): bigint {
  let all = 0n;
  for (let at = 0; at < 128; at += bits) {
    const lane = BigInt.asUintN(bits, vector >> BigInt(at));
    all |= BigInt(canonicalNaN(bits === 32 ? Number(lane) : lane)) << BigInt(at);
  }
  return all;
}

/** A float's bits, those of any NaN replaced. */
function canonicalNaN(bits: Raw): Raw {
  if (typeof bits === 'number') return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits;
  return (bits & 0x7fffffffffffffffn) > 0x7ff0000000000000n ? 0x7ff8000000000000n : bits;
}
