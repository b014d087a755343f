/** Components are hostile input: errors name the offset, and nothing takes long or much memory. */

import { expect, test } from 'vitest';
import { loadInterfaces } from '../../../../src/api/interfaces.js';
import { InputError, LimitError } from '../../../../src/base/errors.js';
import { commandModule } from '../../../../src/wasm/component/command.js';
import { decodeComponent } from '../../../../src/wasm/component/decode.js';
import { Sort } from '../../../../src/wasm/component/definitions.js';
import { instantiate } from '../../../../src/wasm/component/instantiate.js';
import { commandComponent } from '../../../support/command-component.js';
import { ComponentWriter } from '../../../support/component-writer.js';
import { random } from '../../../support/random.js';

const HEAD = [0, 0x61, 0x73, 0x6d, 13, 0, 1, 0];

function decoded(...bytes: number[]): string {
  return thrown(() => instantiate(decodeComponent(Uint8Array.from([...HEAD, ...bytes]), 'c.wasm')));
}

function built(write: (to: ComponentWriter) => void): string {
  const to = new ComponentWriter();
  write(to);
  return thrown(() => instantiate(decodeComponent(to.bytes, 'c.wasm')));
}

function thrown(run: () => unknown): string {
  try {
    run();
    return 'accepted';
  } catch (error) {
    if (error instanceof InputError || error instanceof LimitError) return `${error.code}: ${error.headline}`;
    throw error;
  }
}

test.each<[string, number[], string]>([
  ['nothing', [], 'accepted'],
  ['an unknown section', [77, 0], 'malformed: c.wasm: offset 0x8: malformed section id 77'],
  ['a section that is too long', [7, 9, 0], 'malformed: c.wasm: offset 0x9: length out of bounds: 9 bytes of 1'],
  ['a section that is too short', [7, 3, 1, 0x7f, 0], 'malformed: c.wasm: offset 0xc: section size mismatch'],
  ['more definitions than bytes', [7, 1, 9], 'malformed: c.wasm: offset 0xa: unexpected end of section: 9 entries'],
  ['an unknown type', [7, 2, 1, 0x20], 'malformed: c.wasm: offset 0xb: malformed type 0x20'],
  ['a record of nothing', [7, 3, 1, 0x72, 0], 'malformed: c.wasm: offset 0xc: a type without fields'],
  ['a stream', [7, 3, 1, 0x66, 0], 'unsupported: c.wasm: offset 0xb: not supported yet: async components (streams)'],
  ['an async function', [7, 2, 1, 0x43], 'unsupported: c.wasm: offset 0xb: not supported yet: async components'],
  ['a task', [8, 2, 1, 5], 'unsupported: c.wasm: offset 0xb: not supported yet: async components (canonical function'],
  ['an async lift', [8, 6, 1, 1, 0, 0, 1, 6], 'unsupported: c.wasm: offset 0xf: not supported yet: async components'],
  ['an option twice', [8, 7, 1, 1, 0, 0, 2, 0, 1], 'malformed: c.wasm: offset 0x10: a canonical option is there twice'],
  ['a core type', [3, 1, 0], 'unsupported: c.wasm: offset 0x8: not supported yet: core types in components'],
  ['a start function', [9, 1, 0], 'unsupported: c.wasm: offset 0x8: not supported yet: start functions'],
  [
    'a module as import',
    [10, 7, 1, 0, 1, 0x6d, 0, 0x11, 0],
    'unsupported: c.wasm: offset 0xe: not supported yet: core',
  ],
  ['a bad sort', [6, 2, 1, 9], 'malformed: c.wasm: offset 0xb: malformed sort 0x9'],
  ['a bad core sort', [6, 3, 1, 0, 9], 'malformed: c.wasm: offset 0xc: malformed core sort 0x9'],
  ['an unknown instance', [6, 6, 1, 1, 0, 0, 1, 0x61], 'invalid: c.wasm: offset 0xb: unknown instance 0'],
  ['no outer component', [6, 5, 1, 3, 2, 1, 0], 'invalid: c.wasm: offset 0xb: no component 1 levels further out'],
  ['a name that is no text', [10, 6, 1, 0, 1, 0xff, 1, 0], 'malformed: c.wasm: offset 0xd: malformed UTF-8 encoding'],
])('%s', (_name, bytes, says) => {
  expect(decoded(...bytes).startsWith(says)).toBe(true);
});

test('another version', () => {
  const bytes = Uint8Array.from(HEAD);
  bytes[4] = 14;
  expect(thrown(() => decodeComponent(bytes, 'c.wasm'))).toBe(
    'unsupported: c.wasm: offset 0x4: not supported yet: version 14 of the component format',
  );
});

test('names are there once', () => {
  const twice = (to: ComponentWriter) => {
    const type = to.type(0x42, 0);
    const instance = to.import('a', Sort.Instance, 5, type);
    to.export('x', Sort.Instance, instance);
    to.export('x', Sort.Instance, instance);
  };
  expect(built(twice)).toMatch(/^invalid: .*duplicate export x$/);
  const imports = (to: ComponentWriter) => {
    const type = to.type(0x42, 0);
    for (let i = 0; i < 2; i++) to.import('a', Sort.Instance, 5, type);
  };
  expect(built(imports)).toMatch(/^invalid: .*duplicate import a$/);
});

test('an argument is of the sort that is asked for', () => {
  const inner = new ComponentWriter();
  inner.type(0x40, 0, 1, 0);
  inner.import('f', Sort.Func, 1, 0);
  const with_ = (name: string, sort: Sort) => (to: ComponentWriter) => {
    to.type(0x42, 0);
    to.import('i', Sort.Instance, 5, 0);
    to.instance(to.component(inner), [[name, sort, 0]]);
  };
  expect(built(with_('f', Sort.Instance))).toMatch(/^invalid: .*argument f: function expected, instance given$/);
  expect(built(with_('g', Sort.Instance))).toMatch(/^invalid: .*missing argument f$/);
});

test('components that contain each other often are a limit', () => {
  // each instantiates the one before it ten times
  const often = (depth: number): ComponentWriter => {
    const to = new ComponentWriter();
    if (depth === 0) return to;
    const inner = to.component(often(depth - 1));
    for (let i = 0; i < 10; i++) to.instance(inner);
    return to;
  };
  expect(thrown(() => instantiate(decodeComponent(often(9).bytes)))).toMatch(/^componentDefinitions: /);
});

test('nesting has a limit', () => {
  let nested = new ComponentWriter();
  for (let i = 0; i < 101; i++) {
    const outer = new ComponentWriter();
    outer.component(nested);
    nested = outer;
  }
  expect(thrown(() => decodeComponent(nested.bytes))).toMatch(/^componentDepth: /);
  // instance types in one another
  const types = Array.from({ length: 200 }, () => [0x42, 1, 1]).flat();
  expect(decoded(7, 0xdb, 4, 1, ...types, 0x7f, 0)).toMatch(/^componentDepth: /);
});

test('every prefix is refused', async () => {
  const bytes = await commandComponent();
  for (let length = 8; length < bytes.length; length++) {
    // a section's end may be the end
    expect(thrown(() => commandModule(bytes.subarray(0, length), 'c.wasm', loadInterfaces))).not.toBe('accepted');
  }
});

test('damaged bytes are refused or make another component, and nothing else happens', async () => {
  const original = await commandComponent();
  const next = random(1);
  const below = (count: number) => Math.floor(next() * count);
  const verdicts = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) {
    const bytes = original.slice();
    for (let n = 1 + below(3); n > 0; n--) bytes[below(bytes.length)] = below(256);
    const verdict = thrown(() => commandModule(bytes, 'c.wasm', loadInterfaces)).replace(/:.*/s, '');
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  }
  expect([...verdicts.keys()].sort()).toEqual(
    expect.arrayContaining(['accepted', 'invalid', 'malformed', 'unsupported']),
  );
});
