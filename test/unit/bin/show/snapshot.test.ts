import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeSnapshot } from '../../../../bin/show/snapshot.js';
import { traceLines } from '../../../../bin/show/trace.js';
import { readSnapshot } from '../../../../src/snapshot/format.js';
import { inFolder, writeSample } from '../../snapshot/sample.js';

const entries = (...names: string[]) => names.map((name, func) => ({ instance: 0, func, name }));

test('a stack trace numbers its frames from the innermost', () => {
  expect(traceLines(entries('func-3', 'fib', '_start'))).toEqual(['#1 func-3', '#2 fib', '#3 _start']);
});

test('the middle of a deep one is left out', () => {
  const lines = traceLines(entries(...Array.from({ length: 100_000 }, (_, i) => `f${i}`)));
  expect(lines).toHaveLength(41);
  expect(lines.slice(31, 34)).toEqual(['#32 f31', '... 99,960 more frames ...', '#99,993 f99992']);
  expect(lines.at(-1)).toBe('#100,000 f99999');
});

test('names of the guest bring no control characters to the terminal', () => {
  expect(traceLines(entries('a\x1b[31mb\n#2 forged\x7f\u009b'))).toEqual([
    '#1 a\\u{1b}[31mb\\u{a}#2 forged\\u{7f}\\u{9b}',
  ]);
});

test('a snapshot is described for people and for programs', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.wsnap');
    await writeSample(path);
    const { text, json } = describeSnapshot(readSnapshot(path));
    expect(text.replaceAll(folder, '')).toBe(`snapshot /a.wsnap
  taken       2023-11-14T22:13:20.000Z on x64, wag-snap 0.1.0, deterministic
  module      sample, 8 bytes, sha256 93a44bbb96c75121…
  globals     4
  tables      1
  memory      8 pages of 64 KiB, 3 of them in use
    #0 of instance 0: 0 pages, 0 in use
    #1 of instance 0: 8 pages, 3 in use
  arguments   program \ufffd\ufffd${' '}
  descriptor  0: standard stream
  descriptor  3: / = /tmp
  descriptor  4: file a/ä below 3 at offset 1,099,511,627,776
  descriptor  5: directory . below 3
  frames      5
    #1 func-4
    #2 func-3
    #3 func-3
    #4 func-3
    #5 func-2
`);
    const plain = JSON.parse(JSON.stringify(json));
    expect(plain).toMatchObject({
      kind: 'snapshot',
      generation: 2,
      phase: { instance: 0, kind: 'entry' },
      frames: { count: 5 },
      host: { pendingTimeout: '5000000000', args: ['program', '\ufffd\ufffd', ''] },
    });
    expect(plain.frames.innermost[0]).toEqual({
      instance: 0,
      func: 4,
      name: 'func-4',
      offset: 17,
      kind: 'loop',
      locals: 'i32, f64',
      operands: 'i64',
    });
    expect(plain.instances[0].globals).toEqual([
      { type: 'i32', bits: '0x80000000' },
      { type: 'i64', bits: '0xffffffff00000001' },
      { type: 'funcref', function: { instance: 0, func: 3 } },
      { type: 'externref', bits: '0x100000000' },
    ]);
  }));
