/**
 * What an instruction's immediate field can hold, and the condition codes.
 *
 * Arm Architecture Reference Manual for A-profile, C4.1 (encodings), C1.2.4 (condition codes), the pseudocode functions
 * DecodeBitMasks and VFPExpandImm. A predicate gives the field's value, or -1 when the number has none.
 */

/** Condition codes, C1.2.4: bit 0 negates. */
export const enum CC {
  EQ,
  NE,
  HS,
  LO,
  MI,
  PL,
  VS,
  VC,
  HI,
  LS,
  GE,
  LT,
  GT,
  LE,
  AL,
}

export const CONDITION_NAMES = ['eq', 'ne', 'hs', 'lo', 'mi', 'pl', 'vs', 'vc', 'hi', 'ls', 'ge', 'lt', 'gt', 'le'];

/** Add and subtract: an unsigned 12-bit number, optionally shifted left by 12. The field is sh:imm12. */
export function addSubField(value: number): number {
  if (value >= 0 && value < 4096) return value;
  if (value > 0 && value < 0x1000000 && (value & 0xfff) === 0) return 4096 | (value >>> 12);
  return -1;
}

/** Scaled offset of loads and stores: a multiple of the size, unsigned 12 bits of them. */
export function scaledField(offset: number, log2Size: number): number {
  if (offset < 0 || offset > 4095 << log2Size) return -1;
  return (offset & ((1 << log2Size) - 1)) === 0 ? offset >> log2Size : -1;
}

/** Unscaled offset of loads and stores: 9 bits, signed. */
export function isUnscaled(offset: number): boolean {
  return offset >= -256 && offset < 256;
}

/**
 * Bitmask immediates of the logical instructions: a run of ones, rotated, in an element of 2 to 64 bits that repeats.
 * The field is N:immr:imms.
 */
export function logicalField(wide: number, lo: number, hi: number): number {
  lo |= 0;
  hi = wide === 0 ? lo : hi | 0;
  if ((lo === 0 && hi === 0) || (lo === -1 && hi === -1)) return -1;
  let size = 64;
  if (lo === hi) {
    size = 32;
    while (size > 2) {
      const half = size >> 1;
      const mask = (1 << half) - 1;
      if ((lo & mask) !== ((lo >>> half) & mask)) break;
      size = half;
    }
  }
  if (size < 64) {
    const mask = size === 32 ? -1 : (1 << size) - 1;
    const element = lo & mask;
    // rotate so that the run starts at bit 0
    const rotation = runStart(element, size);
    const run = rotateRight(element, rotation, size);
    if ((run & (run + 1)) !== 0) return -1;
    const ones = 32 - Math.clz32(run);
    const imms = (-(size << 1) & 0x3f) | (ones - 1);
    return (((size - rotation) & (size - 1)) << 6) | imms;
  }
  let value = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
  let rotation = 0;
  const all = 0xffffffffffffffffn;
  if ((value & 1n) !== 0n) {
    while ((value & (1n << 63n)) !== 0n) {
      value = ((value << 1n) & all) | 1n;
      rotation = (rotation + 63) & 63;
    }
  } else {
    while ((value & 1n) === 0n) {
      value >>= 1n;
      rotation++;
    }
  }
  if ((value & (value + 1n)) !== 0n) return -1;
  let ones = 0;
  while (value !== 0n) {
    value >>= 1n;
    ones++;
  }
  return (1 << 12) | (((64 - rotation) & 63) << 6) | (ones - 1);
}

/** Number of the bit that starts the run of ones, cyclically, in the low `size` bits. */
function runStart(element: number, size: number): number {
  if ((element & 1) === 0) return 31 - Math.clz32(element & -element);
  let start = 0;
  while ((element & (1 << (size - 1 - start))) !== 0) start++;
  return (size - start) & (size - 1);
}

function rotateRight(element: number, by: number, size: number): number {
  if (by === 0) return element;
  if (size === 32) return (element >>> by) | (element << (32 - by));
  const mask = (1 << size) - 1;
  return ((element >>> by) | (element << (size - by))) & mask;
}

/** The 8-bit floating point immediate of fmov: ±(16 to 31) / 16 * 2^(-3 to 4). */
export function floatField(wide: number, lo: number, hi: number): number {
  if (wide === 0) {
    const exponent = (lo >>> 25) & 0x3f;
    if ((lo & 0x7ffff) !== 0 || (exponent !== 0x20 && exponent !== 0x1f)) return -1;
    return ((lo >>> 24) & 0x80) | ((lo >>> 19) & 0x7f);
  }
  const exponent = (hi >>> 22) & 0x1ff;
  if (lo !== 0 || (hi & 0xffff) !== 0 || (exponent !== 0x100 && exponent !== 0xff)) return -1;
  return ((hi >>> 24) & 0x80) | ((hi >>> 16) & 0x7f);
}
