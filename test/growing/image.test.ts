/** What a growing image adds to its file: each function once, and calls that lead to what is there. */

import { beforeEach, describe, expect, test } from 'vitest';
import { targets } from '../../src/arch/targets.js';
import { GrowingImage } from '../../src/compile/link/growing-image.js';
import { LOG_COUNT, LOG_FUNCTION, LOG_HEAD, LOG_OFFSET, LOG_ROW } from '../../src/image/contract/growing-text.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { readModuleBytes } from '../../src/wasm/wat.js';

/** Bodies of so many bytes are compiled alone. */
const filler = '(drop (i32.const 1234567))'.repeat(300);
const text = `(module
  (func $caller (export "_start") ${filler} (call $called))
  (func $called ${filler})
  (func $other ${filler}))`;
const [CALLER, CALLED, OTHER] = [0, 1, 2];

interface Write {
  readonly bytes: Buffer;
  readonly at: number;
}

let image: GrowingImage;
let writes: Write[];

beforeEach(() => begin(text));

async function begin(wat: string): Promise<void> {
  const module = decodeModule(await readModuleBytes(Buffer.from(wat), 'test'), 'test');
  writes = [];
  image = new GrowingImage({ module, file: 'test' }, { target: targets.x64 }, 3, (bytes, at) => {
    writes.push({ bytes: Buffer.from(bytes), at });
  });
  image.begin();
  image.setPageSize(4096);
}

/** Does something, and returns what was written: code, and the log's rows. */
function written(act: () => void): { code: Write | undefined; rows: { defined: number; offset: number }[] } {
  const log = writes.at(-1)!.at; // the head of the log is written last
  const known = writes.at(-1)!.bytes.readUInt32LE(LOG_COUNT);
  const before = writes.length;
  act();
  const after = writes.slice(before);
  const start = log + LOG_HEAD + LOG_ROW * known;
  const rows = after.find(({ at, bytes }) => at === start && bytes.length % LOG_ROW === 0)?.bytes ?? Buffer.alloc(0);
  return {
    code: after[0],
    rows: Array.from({ length: rows.length / LOG_ROW }, (_, i) => ({
      defined: rows.readUInt32LE(i * LOG_ROW + LOG_FUNCTION),
      offset: rows.readUInt32LE(i * LOG_ROW + LOG_OFFSET),
    })),
  };
}

function added(act: () => void): number[] {
  return written(act).rows.map(({ defined }) => defined);
}

test('a function is added once', () => {
  expect(written(() => image.add(CALLED)).rows.map(({ defined }) => defined)).toEqual([CALLED]);
  expect(written(() => image.add(CALLED))).toEqual({ code: undefined, rows: [] });
  expect(written(() => image.addNext()).rows.map(({ defined }) => defined)).toEqual([CALLER, OTHER]);
  expect(written(() => image.addNext())).toEqual({ code: undefined, rows: [] });
  expect(image.addNext()).toBe(false);
});

describe('a call', () => {
  /** Targets of direct calls. */
  function targetsOf({ bytes, at }: Write): number[] {
    return Array.from(bytes.keys())
      .filter((i) => bytes[i] === 0xe8 && i + 5 <= bytes.length)
      .map((i) => at + i + 5 + bytes.readInt32LE(i + 1));
  }

  test('leads to a function that is there', () => {
    const [{ offset }] = written(() => image.add(CALLED)).rows;
    expect(targetsOf(written(() => image.add(CALLER)).code!)).toContain(offset);
  });

  test('leads elsewhere when it is not there yet', () => {
    const { code } = written(() => image.add(CALLER));
    const [{ offset }] = written(() => image.add(CALLED)).rows;
    expect(targetsOf(code!)).not.toContain(offset);
  });
});

describe('a guess', () => {
  /** More than are compiled with a function that is called, or as one guess; but short. */
  const some = '(drop (i32.const 1234567))'.repeat(100);
  const names = ['first', 'before', 'asked', 'short', 'long', 'deep', 'deeper', 'deepest', 'neighbour', 'far', 'last'];
  const guess = () => added(() => image.addLikely()).map((defined) => names[defined]);
  const ask = (name: string) => added(() => image.add(names.indexOf(name))).map((defined) => names[defined]);
  beforeEach(() =>
    begin(`(module
      (func $first)
      (func $before)
      (func $asked (call $short) (call $long) (call $deep) (call $short))
      (func $short)
      (func $long ${filler} (call $last))
      (func $deep (call $deeper) (call $before) ${some})
      (func $deeper ${some} (call $deepest))
      (func $deepest)
      (func $neighbour ${some})
      (func $far ${some})
      (func $last))`),
  );

  test('is what was called by the last that was compiled, then neighbours of the last that was asked for', () => {
    expect(ask('asked')).toEqual(['asked', 'short', 'deep']);
    expect(guess()).toEqual(['deeper']);
    expect(guess()).toEqual(['deepest', 'before', 'neighbour']);
    expect(guess()).toEqual(['far']);
    expect(image.addLikely()).toBe(false); // enough neighbours
    expect(ask('long')).toEqual(['long', 'last']);
    expect(image.addLikely()).toBe(false);
  });

  test('is as much as is appended, which is a page', () => {
    image.setPageSize(1 << 16);
    ask('asked');
    expect(guess()).toEqual(['deeper', 'deepest', 'before', 'neighbour', 'far']);
  });

  test('leaves half of the text to what is called', () => {
    image.setPageSize(1 << 22); // of 17 million bytes
    for (const name of ['asked', 'first', 'last']) ask(name);
    expect(guess()).toEqual([]);
    expect(ask('far')).toEqual(['far']);
  });

  test('leaves what other functions call to later', () => {
    ask('asked');
    expect(ask('last')).toEqual(['last']);
    expect(guess()).toEqual(['deeper']);
  });
});
