/** Letting a stopped process go, and ending it, when something else happens to it at that moment. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { ImageProcess, processStatus } from '../../../src/snapshot/process.js';
import { type StoppedProcess, stopProcess } from '../../../src/snapshot/stop.js';
import { type Built, build, temporaryFolder, Workload } from '../../support/workload.js';

const OPTIONS = { timeout: 10_000, checkCancelled: () => {} };
const folder = temporaryFolder();
let built: Built;
let workload: Workload;
let attached: ImageProcess;

beforeAll(async () => {
  built = await build(Buffer.from('(module (func (export "_start") (loop (br 0))))'), join(folder, 'spin'));
});
afterEach(() => {
  workload.kill();
  attached.close();
});

async function stopped(): Promise<StoppedProcess> {
  workload = Workload.start(built.path);
  attached = ImageProcess.attach(workload.pid);
  return stopProcess(attached, OPTIONS);
}

function state(): string | undefined {
  return processStatus(workload.pid)?.state;
}

test('it ends when told to', async () => {
  await (await stopped()).end();
  expect(await workload.ended()).toMatchObject({ code: 0 });
});

test('it ends while it is suspended', async () => {
  const parked = await stopped();
  process.kill(workload.pid, 'SIGSTOP');
  await expect.poll(state).toBe('T');
  await parked.end();
  expect(await workload.ended()).toMatchObject({ code: 'SIGKILL' });
});

test('that it was killed meanwhile is no failure', async () => {
  for (const letGo of [(parked: StoppedProcess) => parked.end(), (parked: StoppedProcess) => parked.resume()]) {
    const parked = await stopped();
    workload.kill();
    await workload.ended();
    await letGo(parked);
    attached.close();
  }
  await stopped();
});

test('it can be stopped again at once by the same tool', async () => {
  let parked = await stopped();
  for (let i = 0; i < 20; i++) {
    parked.resume();
    parked = await stopProcess(attached, OPTIONS);
  }
  parked.resume();
  await sleep(20);
  expect(state()).toBe('R');
});
