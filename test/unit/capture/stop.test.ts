/** Letting a stopped process go, and ending it, when something else happens to it at that moment. */

import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { ImageProcess, processStatus } from '../../../src/capture/process.js';
import { stopProcess } from '../../../src/capture/stop.js';
import type { StoppedProcess } from '../../../src/capture/stopped-process.js';
import { RT_STOP_SENDER, STATE_PARKED, STATE_RUNNING } from '../../../src/image/contract/runtime-block.js';
import { TH_STATE } from '../../../src/image/contract/thread.js';
import { type Built, build, temporaryFolder, Workload } from '../../support/workload.js';

const OPTIONS = { timeout: 60_000, checkCancelled: () => {} };
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
  attached = await ImageProcess.attach(workload.pid);
  return stopProcess(attached, OPTIONS);
}

function state(): string | undefined {
  return processStatus(workload.pid)?.state;
}

function runtime(field: number): number {
  return attached.memory.u32(attached.runtime + field);
}

test('it ends when told to', async () => {
  await (await stopped()).end();
  const { code, stderr } = await workload.ended();
  expect(code).toBe(75);
  expect(String(stderr)).toBe('wag-snap: ended by a capture\n');
});

test('it says which snapshot continues for it, so that no terminal obeys, or nothing of a path that is too long', async () => {
  await (await stopped()).end('/tmp/\u001b[2J.wsnap');
  expect(String((await workload.ended()).stderr)).toBe(
    'wag-snap: ended by a capture; continues from /tmp/\\u{1b}[2J.wsnap\n',
  );
  attached.close();
  await (await stopped()).end(`/${'x'.repeat(4000)}`);
  expect(String((await workload.ended()).stderr)).toBe('wag-snap: ended by a capture\n');
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
    expect([runtime(TH_STATE), runtime(RT_STOP_SENDER)]).toEqual([STATE_PARKED, process.pid]);
  }
  parked.resume();
  await expect.poll(() => [runtime(TH_STATE), state()]).toEqual([STATE_RUNNING, 'R']);
});

test('one that is just being let go, without a sender but still PARKED, is not taken for one that waits', async () => {
  (await stopped()).resume();
  await expect.poll(() => [runtime(TH_STATE), runtime(RT_STOP_SENDER)]).toEqual([STATE_RUNNING, 0]);
  const write = (value: number) => attached.memory.writeU32(attached.thread + TH_STATE, value);
  write(STATE_PARKED);
  let looks = 0;
  const checkCancelled = () => {
    if (++looks === 5) write(STATE_RUNNING);
  };
  await stopProcess(attached, { ...OPTIONS, checkCancelled });
  expect(looks).toBeGreaterThanOrEqual(5);
  expect([runtime(TH_STATE), runtime(RT_STOP_SENDER)]).toEqual([STATE_PARKED, process.pid]);
});
