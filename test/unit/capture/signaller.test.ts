/** Signals reach only the process that was opened, also when its pid was reused. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findEmulator } from '../../../src/api/launch.js';
import { targets } from '../../../src/arch/targets.js';
import { processStatus } from '../../../src/capture/process.js';
import { ProcessFolder } from '../../../src/capture/process-folder.js';
import { signalHelper } from '../../../src/capture/signal-helper.js';
import { Signaller } from '../../../src/capture/signaller.js';
import { during, untilState } from '../../support/waiting.js';
import { canRun, temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
const LAST_PID = '/proc/sys/kernel/ns_last_pid';
let child: ChildProcess;
/**
 * Exit code and signal of `child`: listened for from the start, as it can end before the answer about a signal is read.
 */
let exited: Promise<unknown[]>;
let process_: ProcessFolder;
let signaller: Signaller;
let warnings: string[];

beforeEach(() => {
  child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  exited = once(child, 'exit');
  process_ = ProcessFolder.open(child.pid!);
  warnings = [];
  signaller = new Signaller(process_, (text) => warnings.push(text));
});
afterEach(() => {
  signaller.close();
  process_.close();
  child.kill('SIGKILL');
});

/** Pids of our helpers. */
function helpers(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const [command] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return command.includes('/signal-helper-') && processStatus(pid)?.parent === process.pid;
      } catch {
        return false;
      }
    });
}

async function ended(): Promise<void> {
  child.kill('SIGKILL');
  await exited;
}

test('a signal is there when send() is done', async () => {
  await signaller.send('SIGSTOP');
  await untilState(child.pid!, 'T');
  await signaller.send('SIGCONT');
  await untilState(child.pid!, 'S');
  expect(warnings).toEqual([]);
  expect(helpers()).toHaveLength(1);
  await signaller.send('SIGTERM');
  expect(await exited).toEqual([null, 'SIGTERM']);
});

test('a process that has ended gets none', async () => {
  await signaller.prepare();
  await ended();
  await expect(signaller.send('SIGTERM')).rejects.toMatchObject({ code: 'process-ended' });
});

test('who has its pid then gets none', async (context) => {
  await signaller.prepare();
  await ended();
  const heirs: ChildProcess[] = [];
  try {
    for (let tries = 0; tries < 200 && heirs.at(-1)?.pid !== child.pid; tries++) {
      try {
        writeFileSync(LAST_PID, String(child.pid! - 1));
      } catch {
        context.skip('no permission to choose a pid');
      }
      heirs.at(-1)?.kill('SIGKILL');
      heirs.push(spawn('sleep', ['1000'], { stdio: 'ignore' }));
    }
    const heir = heirs.at(-1)!;
    if (heir.pid !== child.pid) context.skip('others take the pids');
    for (const program of [undefined, join(folder, 'none')]) {
      const own = new Signaller(process_, () => {}, program);
      await expect(own.send('SIGKILL')).rejects.toMatchObject({ code: 'process-ended' });
      own.close();
    }
    expect(processStatus(heir.pid!)?.state).toMatch(/[RS]/);
    expect(heir.signalCode).toBeNull();
  } finally {
    for (const heir of heirs) heir.kill('SIGKILL');
  }
});

test('without a helper signals go to the pid, and the user is told', async () => {
  const own = new Signaller(process_, (text) => warnings.push(text), join(folder, 'none'));
  await own.send('SIGTERM');
  expect(await exited).toEqual([null, 'SIGTERM']);
  expect(warnings).toEqual([expect.stringMatching(/is signalled by its number.*none cannot be started: no such file/)]);
});

test('a helper that was killed is replaced', async () => {
  await signaller.send('SIGCONT');
  const [first] = helpers();
  process.kill(first, 'SIGKILL');
  await expect.poll(() => helpers()).not.toContain(first);
  await signaller.send('SIGTERM');
  expect(await exited).toEqual([null, 'SIGTERM']);
  expect(warnings).toEqual([]);
});

test('the helper ends when it is put away', async () => {
  await signaller.prepare();
  expect(helpers()).toHaveLength(1);
  signaller.close();
  await expect.poll(helpers).toEqual([]);
});

test.skipIf(!canRun('arm64'))('the helper for ARM64 does the same', async () => {
  const path = join(folder, 'helper');
  writeFileSync(path, signalHelper(targets.arm64), { mode: 0o755 });
  const emulator = process.arch === 'arm64' ? [] : [findEmulator('arm64')!];
  const [program, ...args] = [...emulator, path];
  const helper = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit', process_.fd] });
  const helperExited = once(helper, 'exit');
  try {
    for (const [signal, answer] of [
      [0, 0n],
      [constants.signals.SIGSTOP, 0n],
      [1000, -BigInt(constants.errno.EINVAL)],
    ] as const) {
      const request = Buffer.alloc(128);
      request.writeInt32LE(signal, 0);
      request.writeInt32LE(-1, 8);
      helper.stdin!.write(request);
      const [bytes] = await during(helper, once(helper.stdout!, 'data'));
      expect(bytes.readBigInt64LE()).toBe(answer);
    }
    await untilState(child.pid!, 'T');
    helper.stdin!.end();
    expect(await helperExited).toEqual([0, null]);
  } finally {
    helper.kill('SIGKILL');
  }
});
