import { describe, expect, test } from 'vitest';
import { Reader } from '../../../src/wasm/reader.js';

function reader(...bytes: number[]): Reader {
  return new Reader(Uint8Array.from(bytes));
}

/** Signed LEB128 of a number, in `length` bytes or as few as it takes. */
function sleb(value: bigint, length = 0): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = Number(value & 0x7fn);
    value >>= 7n;
    const done = (value === 0n && (low & 0x40) === 0) || (value === -1n && (low & 0x40) !== 0);
    if (done && bytes.length + 1 >= length) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

function uleb(value: number, length = 0): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value % 128;
    value = Math.floor(value / 128);
    if (value === 0 && bytes.length + 1 >= length) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** Numbers at and around every power of two below 2 ** bits. */
function edges(bits: number): bigint[] {
  const values = new Set<bigint>();
  for (let i = 0; i < bits; i++) for (const d of [-1n, 0n, 1n]) values.add((1n << BigInt(i)) + d);
  return [...values].filter((value) => value < 1n << BigInt(bits));
}

describe('LEB128', () => {
  test('u32 in every length', () => {
    for (const value of edges(32).map(Number)) {
      for (let length = 1; length <= 5; length++) {
        const bytes = uleb(value, length);
        const r = reader(...bytes);
        expect(r.u32()).toBe(value);
        expect(r.pos).toBe(bytes.length);
      }
    }
  });

  test.each([
    ['s32', 32, 5],
    ['s33', 33, 5],
  ] as const)('%s in every length', (method, bits, longest) => {
    for (const magnitude of edges(bits - 1)) {
      for (const value of [magnitude, -magnitude, -magnitude - 1n]) {
        for (let length = 1; length <= longest; length++) {
          const bytes = sleb(value, length);
          const r = reader(...bytes);
          expect(r[method]()).toBe(Number(value));
          expect(r.pos).toBe(bytes.length);
        }
      }
    }
  });

  test('s64 in every length, as two words', () => {
    for (const magnitude of edges(63)) {
      for (const value of [magnitude, -magnitude, -magnitude - 1n]) {
        for (let length = 1; length <= 10; length++) {
          const bytes = sleb(value, length);
          const r = reader(...bytes);
          r.s64();
          expect((BigInt(r.hi) << 32n) | BigInt(r.lo >>> 0)).toBe(value);
          expect(r.pos).toBe(bytes.length);
        }
      }
    }
  });

  const five = (last: number) => [0x80, 0x80, 0x80, 0x80, last];
  const ten = (last: number) => [...new Array<number>(9).fill(0x80), last];

  test.each([
    ['u32', five, [0x00, 0x0f], [0x10, 0x1f, 0x40, 0x7f]],
    ['s32', five, [0x00, 0x07, 0x78, 0x7f], [0x08, 0x0f, 0x10, 0x70, 0x77]],
    ['s33', five, [0x00, 0x0f, 0x70, 0x7f], [0x10, 0x1f, 0x60, 0x6f]],
    ['s64', ten, [0x00, 0x7f], [0x01, 0x3f, 0x40, 0x7e]],
  ] as const)('%s: unused bits of the last byte repeat the sign, no byte too many', (method, encode, good, bad) => {
    for (const last of good) expect(() => reader(...encode(last))[method]()).not.toThrow();
    for (const last of bad) expect(() => reader(...encode(last))[method]()).toThrow('integer too large');
    expect(() => reader(...encode(0x80), 0)[method]()).toThrow('integer representation too long');
    expect(() => reader(0x80)[method]()).toThrow('unexpected end');
    expect(() => reader()[method]()).toThrow('unexpected end');
  });
});

describe('names', () => {
  const named = (bytes: number[]) => reader(...uleb(bytes.length), ...bytes).name();

  test('are UTF-8, byte order marks and zeros included', () => {
    const long = 'ä'.repeat(200);
    for (const text of ['', 'memory', '\u0000', 'naïve', '日本', '\u{1f600}', '\ufeffx', 'x'.repeat(500), long]) {
      expect(named([...Buffer.from(text)])).toBe(text);
    }
  });

  test.each([
    ['a stray continuation', [0x80]],
    ['a short sequence', [0xe2, 0x82]],
    ['an overlong form', [0xc0, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['0xff', [0x61, 0xff]],
  ])('refuses %s', (_, bytes) => {
    expect(() => named(bytes)).toThrow('malformed UTF-8 encoding');
  });

  test('do not reach beyond the end', () => {
    expect(() => reader(5, 0x61).name()).toThrow('length out of bounds');
  });
});

test('floats are raw bits', () => {
  expect(reader(0x01, 0x00, 0xa0, 0x7f).f32Bits()).toBe(0x7fa00001);
  const r = reader(1, 0, 0, 0, 0, 0, 0xf4, 0xff);
  r.f64Bits();
  expect([r.lo, r.hi]).toEqual([1, 0xfff40000 | 0]);
  expect(() => reader(0, 0, 0).f32Bits()).toThrow('unexpected end');
});

test('bytes are passed over up to the end', () => {
  const r = reader(0, 0, 0);
  r.skip(1);
  expect(() => r.skip(3)).toThrow('unexpected end');
  r.skip(2);
  expect(r.pos).toBe(3);
  expect(() => r.skip(1)).toThrow('unexpected end');
});

test('reserved bytes are one byte of zero', () => {
  expect(() => reader(0).zero()).not.toThrow();
  expect(() => reader(0x80, 0).zero()).toThrow('zero byte expected');
});

test('errors say where', () => {
  const r = new Reader(Uint8Array.of(0, 0, 0xff, 0xff, 0xff, 0xff, 0xff), 'some.wasm', 2);
  expect(() => r.u32()).toThrow('some.wasm: offset 0x2: integer representation too long');
});
