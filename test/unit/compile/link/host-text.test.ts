/** The host layer's text, made ahead: it is the one that a compilation makes, wherever DATA ends. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { arm64 } from '../../../../src/arch/arm64/target.js';
import { x64 } from '../../../../src/arch/x64/target.js';
import { baseline } from '../../../../src/compile/baseline/generator.js';
import { compileImage } from '../../../../src/compile/link/compile.js';
import { loadHostLayer } from '../../../../src/compile/link/host-layer.js';
import {
  decodeHostText,
  encodeHostText,
  hostTextPath,
  makeHostText,
} from '../../../../src/compile/link/host-text-file.js';
import { decodeModule } from '../../../../src/wasm/decode.js';
import { moduleOf } from './mini-host.js';

const targets = [x64, arm64];

test.each(targets)('$name: what the build has stored is what this source makes', (target) => {
  const stored = decodeHostText(readFileSync(hostTextPath(target.name)));
  expect(stored.text).toEqual(makeHostText(target, baseline()));
});

test.each(targets)('$name: what is stored comes back', (target) => {
  const text = makeHostText(target, baseline());
  expect(decodeHostText(encodeHostText('a build', text))).toEqual({ build: 'a build', text });
});

test.each(targets)('$name: the first compilation and the next give the same image', async (target) => {
  const module = await moduleOf('(module (func (export "_start")))');
  const image = (hostLayer: ReturnType<typeof loadHostLayer>) =>
    compileImage([{ module, file: 'm.wasm' }], { target, hostLayer }).bytes;
  const fresh = decodeModule(loadHostLayer().bytes, 'host.wasm');
  const [first, second] = [image(fresh), image(fresh)];
  expect(Buffer.compare(first, second)).toBe(0);
  expect(Buffer.compare(first, image(loadHostLayer()))).toBe(0);
});

test.each(targets)('$name: the host layer reads its data wherever text begins', async (target) => {
  const functions = (count: number) =>
    `(module (table funcref (elem ${'$f '.repeat(count)})) (func $f (export "_start")))`;
  const text = async (count: number) => {
    const module = await moduleOf(functions(count));
    const image = compileImage([{ module, file: 'm.wasm' }], { target });
    return { start: image.identity.text.imageOffset, text: image.text };
  };
  const [near, far] = [await text(1), await text(100_000)];
  expect(far.start).toBeGreaterThan(near.start);
  const { references, code } = makeHostText(target, baseline());
  const differing = new Set<number>(); // the fields of four bytes
  const fields = new Map([...references.data].flatMap((at) => [0, 1, 2, 3].map((i) => [at + i, at] as const)));
  for (let i = 0; i < code.length; i++) if (far.text[i] !== near.text[i]) differing.add(fields.get(i) ?? -1);
  expect([...differing].sort((a, b) => a - b)).toEqual([...references.data].sort((a, b) => a - b));
});
