/**
 * What current tools write, captured in the middle and continued on the other CPU: a component of WASI 0.2 in C without
 * a library, and a program of Zig's compiler with wide arithmetic. wasmtime 50.0.1 prints what is expected.
 */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readProgram } from '../../src/api/read-program.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { build, canRun, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();
const fixture = (name: string) => resolve(import.meta.dirname, '../../fixtures', name);

interface Sample {
  readonly file: string;
  readonly args: readonly string[];
  /** What is written before the capture, what it prints then, and the same after it. */
  readonly before: readonly [input: string, output: string];
  readonly after: readonly [input: string, output: string];
}

const SUMS: Sample = {
  file: 'components/sums.wasm',
  args: ['a', 'long argument'],
  before: ['1 2\n', 'a\nlong argument\nsum 3\n'],
  after: ['-3 4\nx 20\n', 'sum 4\nsum 24\nrandom 9\npassed 1\n'],
};

const WIDE: Sample = {
  file: 'modules/wide.wasm',
  args: [],
  before: [
    '\n\n',
    `50 152264625771841428099637639634685935081 562949953421312 27076410533774b62022a5c57b7a19e1 4202139701106182432537
100 126686601211752814404708301839357062 633825300114114700748351602688 83843f5b55165da0a5fa5314817a3803 -13402813452676153149465
`,
  ],
  after: [
    '\n\n',
    `150 35505155855516744762344969185916514769 0 18b9a0483f44535f78f252d5333fd0d5 2662089139862923070531
200 60350967478864223050069187791631173930 0 d1ac3d76ba4da1830fad0e2efed838d7 -4987930967692514620217
end 200
`,
  ],
};

const cases = [SUMS, WIDE].flatMap((sample) => [
  { ...sample, from: 'x64' as ArchName, to: 'arm64' as ArchName },
  { ...sample, from: 'arm64' as ArchName, to: 'x64' as ArchName },
]);

test.each(cases)('$file from $from to $to', async ({ file, args, before, after, from, to }) => {
  if (!canRun(from) || !canRun(to)) return;
  const { bytes } = await readProgram(readFileSync(fixture(file)), file);
  const name = join(folder, `${file.replace(/.*\//, '')}-${from}`);
  const here = await build(bytes, name, { arch: from });
  const there = await build(bytes, `${name}-there`, { arch: to });
  const workload = Workload.start(here.path, { stdin: 'pipe', args });
  workload.stdin.write(before[0]);
  await workload.waitFor(before[1]);
  await captureAndEnd(workload, `${name}.wsnap`);
  const rest = await restoreAndStart(`${name}.wsnap`, there, `${name}-rest`, { stdin: 'pipe' });
  rest.stdin.end(after[0]);
  expect(await rest.ended()).toEqual({ stdout: after[1], stderr: '', code: 0 });
});

test('the program of Zig has the instructions', async () => {
  const { bytes } = decodeModule(readFileSync(fixture(WIDE.file)));
  const found = (code: number) => Buffer.from(bytes).indexOf(Buffer.of(0xfc, code)) > 0;
  expect([0x13, 0x14, 0x16].map(found)).toEqual([true, true, true]);
});
