/** Constants worth trying: edges of ranges, powers of two, specials of floats. Raw bits. */

import type { Choices } from './choices.js';

const INTS: readonly number[] = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 16, 31, 32, 33, 63, 64, 100, 127, 128, 129, 255, 256, 1000, 32767, 32768, 65535, 65536,
  0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xffff8000, 0xffffff7f, 0xffffff80, 0xffffff00, 0xfffffffe,
  0xffffffff,
];

const FLOATS_32: readonly number[] = [
  0, 0x80000000, 0x3f800000, 0xbf800000, 0x3f000000, 0x40000000, 0x4f000000, 0xcf000000, 0x4f800000, 0x5f000000,
  0xdf000000, 0x5f800000, 0x7f7fffff, 1, 0x80000001, 0x007fffff, 0x00800000, 0x7f800000, 0xff800000, 0x7fc00000,
  0xffc00000, 0x7fa00000, 0xff812345, 0x4b000001, 0x40490fdb,
];

const FLOATS_64: readonly bigint[] = [
  0n,
  0x8000000000000000n,
  0x3ff0000000000000n,
  0xbff0000000000000n,
  0x3fe0000000000000n,
  0x4000000000000000n,
  0x41e0000000000000n,
  0xc1e0000000000000n,
  0x41dfffffffc00000n,
  0x41f0000000000000n,
  0x43e0000000000000n,
  0xc3e0000000000000n,
  0x43f0000000000000n,
  0x7fefffffffffffffn,
  1n,
  0x000fffffffffffffn,
  0x0010000000000000n,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x7ff8000000000000n,
  0xfff8000000000000n,
  0x7ff4000000000001n,
  0xfff0000000000123n,
  0x400921fb54442d18n,
  0x47efffffe0000000n,
  0x3810000000000000n,
];

export function int32(choices: Choices): number {
  switch (choices.next(4)) {
    case 3:
      return choices.next(2 ** 32) | 0;
    case 2:
      return choices.next(64) - 32;
    default:
      return choices.pick(INTS) | 0;
  }
}

export function int64(choices: Choices): bigint {
  switch (choices.next(5)) {
    case 4:
      return BigInt.asIntN(64, (BigInt(choices.next(2 ** 32)) << 32n) | BigInt(choices.next(2 ** 32)));
    case 3:
      return BigInt.asIntN(64, BigInt(choices.pick(INTS)) << 32n);
    case 2:
      return BigInt.asIntN(64, 1n << BigInt(choices.next(64))) - BigInt(choices.next(2));
    default:
      return BigInt(int32(choices));
  }
}

/** 128 bits of lanes of any shape. */
export function vector128(choices: Choices): bigint {
  const lanes = (count: number, lane: () => bigint) => {
    const bits = 128n / BigInt(count);
    return Array.from({ length: count }, lane).reduce(
      (all, value) => (all << bits) | BigInt.asUintN(Number(bits), value),
      0n,
    );
  };
  switch (choices.next(5)) {
    case 4:
      return lanes(4, () => BigInt(float32(choices)));
    case 3:
      return lanes(2, () => float64(choices));
    case 2:
      return lanes(2, () => int64(choices));
    case 1:
      return lanes(16, () => BigInt(choices.pick([0, 1, 2, 7, 8, 15, 16, 127, 128, 129, 254, 255])));
    default:
      return lanes(4, () => BigInt(int32(choices)));
  }
}

export function float32(choices: Choices): number {
  return choices.next(4) < 3 ? choices.pick(FLOATS_32) : choices.next(2 ** 32);
}

export function float64(choices: Choices): bigint {
  if (choices.next(4) < 3) return choices.pick(FLOATS_64);
  return (BigInt(choices.next(2 ** 32)) << 32n) | BigInt(choices.next(2 ** 32));
}
