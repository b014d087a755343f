/**
 * Processes that lie about themselves: a capture ends with one line, in a time that they do not choose, and changes
 * nothing.
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ImageProcess } from '../../../src/capture/process.js';
import { MEM_BASE, MEM_RECORD_SIZE, MEM_SIZE, TAB_LENGTH, TAB_MAX } from '../../../src/image/contract/instance.js';
import { RT_ARGV, RT_ENVP, STATE_PARKED } from '../../../src/image/contract/runtime-block.js';
import { TH_STATE } from '../../../src/image/contract/thread.js';
import { FIRST_GUEST } from '../../../src/snapshot/snapshot.js';
import { capturePid } from '../../support/capture.js';
import { type Built, build, temporaryFolder, Workload } from '../../support/workload.js';

const PROGRAM = `(module (memory 200) (table 2 10000000 funcref)
  (func (export "_start") (local $i i32)
    (loop $touch (i32.store8 (local.get $i) (i32.const 0))
      (br_if $touch (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4096))) (i32.const 0xc80000))))
    (loop $spin (br_if $spin (i32.eqz (i32.load8_u (i32.const 8)))))))`;

const folder = temporaryFolder();
const output = join(folder, 'out.wsnap');
let built: Built;
let workload: Workload;
let attached: ImageProcess;

beforeAll(async () => {
  built = await build(Buffer.from(PROGRAM), join(folder, 'program'));
});
afterEach(async () => {
  workload.kill();
  attached.close();
  await workload.ended();
});

/** A process that has touched all of its memory. */
async function start(): Promise<void> {
  workload = Workload.start(built.path);
  attached = await ImageProcess.attach(workload.pid);
  await capturePid(workload.pid, { output });
}

function write(address: number, bytes: Uint8Array): void {
  const fd = openSync(`/proc/${workload.pid}/mem`, 'r+');
  writeSync(fd, bytes, 0, bytes.length, address);
  closeSync(fd);
}

const word = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);

/** Address of a record of the guest's instance. */
function record(of: 'memories' | 'tables'): number {
  const instance = attached.image.identity.instances[FIRST_GUEST];
  return attached.base + instance.start + instance[of].records;
}

/** Pointers to one string, in the guest's memory. */
function pointers(count: number, length: number): number {
  const base = attached.memory.address(record('memories') + MEM_BASE);
  write(base + 4096, Buffer.alloc(length, 'x'));
  write(base + 4096 + length, Buffer.alloc(1));
  const list = base + (1 << 20);
  write(list, Buffer.from(new BigUint64Array(count).fill(BigInt(base + 4096)).buffer));
  write(list + count * 8, word(0));
  return list;
}

async function refused(message: RegExp): Promise<void> {
  await expect(capturePid(workload.pid, { output })).rejects.toMatchObject({ message: expect.stringMatching(message) });
  await expect.poll(() => attached.memory.u32(attached.thread + TH_STATE)).toBe(1);
  expect(workload.hasEnded).toBe(false);
}

describe('a capture of a process', () => {
  test('with a million variables that are one', async () => {
    await start();
    write(attached.runtime + RT_ENVP, word(pointers(1_000_000, 100_000)));
    await refused(/its arguments and its environment have more than 8388608 bytes/);
  });

  test('with a million empty variables', async () => {
    await start();
    write(attached.runtime + RT_ENVP, word(pointers(1_400_000, 0)));
    await refused(/its arguments and its environment have more than 8388608 bytes/);
  });

  test('with as much environment as a process may have is taken', async () => {
    await start();
    write(attached.runtime + RT_ENVP, word(pointers(60, 100_000)));
    await expect(capturePid(workload.pid, { output })).resolves.toMatchObject({ frames: 1 });
  });

  test('can be interrupted while its strings are read', async () => {
    await start();
    write(attached.runtime + RT_ENVP, word(pointers(1_400_000, 0)));
    write(attached.runtime + RT_ARGV, word(0));
    const parked = () => attached.memory.u32(attached.thread + TH_STATE) === STATE_PARKED;
    let sent = 0;
    const controller = new AbortController();
    const signal = setInterval(() => {
      if (parked() && sent++ === 0) controller.abort('SIGTERM');
    });
    try {
      const interrupted = capturePid(workload.pid, { output, signal: controller.signal });
      await expect(interrupted).rejects.toMatchObject({ code: 'interrupted', message: /by SIGTERM/ });
    } finally {
      clearInterval(signal);
    }
    expect(workload.hasEnded).toBe(false);
  });

  test('with a table that is too long', async () => {
    await start();
    write(record('tables') + TAB_LENGTH, word(2 ** 40));
    write(record('tables') + TAB_MAX, word(2 ** 40));
    await refused(/table 0 of .*: 1099511627776 elements/);
  });

  test('with a memory that is too large', async () => {
    await start();
    write(record('memories') + MEM_SIZE, word(2 ** 46));
    await refused(/memory 0 of .*pages of/);
    expect(MEM_RECORD_SIZE).toBeGreaterThan(MEM_SIZE);
  });
});
