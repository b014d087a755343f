/**
 * Sessions of tracking, by every way that this machine has: what a scan finds, what is left of a session, and what the
 * kernel writes while a program waits in it.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { readMemories } from '../../../src/capture/instance-state.js';
import { ImageProcess } from '../../../src/capture/process.js';
import { stopProcess } from '../../../src/capture/stop.js';
import { TrackingLost, type TrackingWay, WrittenPages } from '../../../src/capture/written-pages.js';
import {
  REQUEST_SIZE,
  RQ_NUMBER,
  RT_TRACKING,
  TK_ANSWER,
  TK_REQUEST,
  TK_RESULT,
  TK_SINCE,
  TRACK_ID_SIZE,
  TRACK_PAGES,
  TRACK_STALE,
} from '../../../src/image/contract/tracking.js';
import type { CaptureReport } from '../../../src/snapshot/capture-report.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import { FIRST_GUEST } from '../../../src/snapshot/snapshot.js';
import { Talker } from '../../faults/capture-sweep.js';
import { BLOCKED, BUSY } from '../../faults/programs.js';
import { capturePid } from '../../support/capture.js';
import { nativeArch } from '../../support/native-arch.js';
import { build, canRun, temporaryFolder } from '../../support/workload.js';

const WIDE_MEBIBYTES = 80;
/** BLOCKED, with more memory, all of it touched. */
const WIDE = BLOCKED.replace(/\(memory \d+\)/, `(memory ${WIDE_MEBIBYTES * 16})`).replace(
  '(call $start) (loop',
  `(memory.fill (i32.const 3145728) (i32.const 1) (i32.const ${(WIDE_MEBIBYTES - 3) << 20})) (call $start) (loop`,
);
/** WIDE, that writes to every second page of it before it answers. */
const SCATTERED = WIDE.replace(
  '(call $print (i32.add (i32.const 97)',
  '(call $scatter) (call $print (i32.add (i32.const 97)',
).replace(
  '(func $answer',
  `(func $scatter (local $at i32)
     (local.set $at (i32.const 3145728))
     (loop $page (i32.store8 (local.get $at) (i32.const 2))
       (br_if $page (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8192))) (i32.const ${WIDE_MEBIBYTES << 20})))))
   (func $answer`,
);
const folder = temporaryFolder();
const other = nativeArch === 'x64' ? 'arm64' : 'x64';
let talker: Talker | undefined;
let attached: ImageProcess | undefined;
let command: ChildProcess | undefined;
beforeAll(async () => {
  for (const [name, text] of Object.entries({ blocked: BLOCKED, busy: BUSY, wide: WIDE, scattered: SCATTERED })) {
    for (const arch of [nativeArch, other] as const) {
      await build(Buffer.from(text), join(folder, `${name}-${arch}`), { arch });
    }
  }
});
afterEach(() => {
  attached?.close();
  talker?.workload.kill();
  command?.kill('SIGKILL');
  [attached, talker, command] = [undefined, undefined, undefined];
});

async function started(name: string, arch: string = nativeArch): Promise<ImageProcess> {
  talker = await Talker.start(join(folder, `${name}-${arch}`));
  attached = await ImageProcess.attach(talker.pid);
  await attached.prepareSignals(() => {});
  return attached;
}

const answers = async () => expect(await talker!.wrongAnswer()).toBeUndefined();

function memoryOf({ memory, base, image }: ImageProcess) {
  const identity = image.identity.instances[FIRST_GUEST];
  return readMemories(memory, base + identity.start, identity)[0];
}

async function begin(process: ImageProcess, way: TrackingWay): Promise<WrittenPages> {
  const session = await WrittenPages.begin(process, way);
  expect(session, 'a session').toBeDefined();
  return session!.written;
}

const pagesIn = (blocks: Uint16Array) => Array.from(blocks.keys()).filter((page) => blocks[page] !== 0);
const ways: readonly (readonly [string, TrackingWay])[] = [
  [nativeArch, 'userfault'],
  [nativeArch, 'protect'],
  ...(canRun(other) ? [[other, 'protect'] as const] : []),
];

describe.each(ways)('%s, by %s', (arch, way) => {
  test('a scan finds what was written since the last one', async () => {
    const process = await started('blocked', arch);
    const written = await begin(process, way);
    const memory = memoryOf(process);
    expect(pagesIn(await written.scan(memory)).length).toBe(memory.pages);
    const idle = await written.scan(memory);
    // At most the page that the kernel is about to write, and what the call has written before it began to wait.
    expect(pagesIn(idle).filter((page) => page !== 0)).toEqual([]);
    await answers();
    expect(pagesIn(await written.scan(memory))).toEqual([0]);
    await written.end();
    await answers();
  });

  test('a program that waits in the kernel gets what it waits for, captured or not', async () => {
    const process = await started('blocked', arch);
    for (let n = 0; n < 5; n++) {
      const file = join(folder, 'waits.wsnap');
      const { tracking } = await capturePid(process.pid, { output: file, tracking: way });
      expect(tracking?.way).toBe(way);
      readSnapshot(file);
      await answers();
      await answers();
    }
    expect(await talker!.wrongEnd()).toBeUndefined();
  });

  test('a scan of much that was written stops now and then, unless the process stands still', async () => {
    const process = await started('wide', arch);
    const write = vi.spyOn(process.memory, 'write');
    // One that is not answered at once is made again, with the same number.
    const requests = () => new Set(write.mock.calls.map(([, bytes]) => Buffer.from(bytes).readUInt32LE())).size;
    const written = await begin(process, way);
    const memory = memoryOf(process);
    const scans = async (written: WrittenPages, stands: boolean) => {
      write.mockClear();
      const pages = pagesIn(await written.scan(memory, stands)).length;
      return { pages, requests: requests() };
    };
    const [first, second] = [await scans(written, false), await scans(written, false)];
    expect(first.pages).toBeGreaterThanOrEqual(WIDE_MEBIBYTES * 16 - 1);
    expect(first.requests).toBeGreaterThanOrEqual(Math.floor((WIDE_MEBIBYTES << 20) / 4096 / TRACK_PAGES));
    expect(second.requests).toBe(1);
    expect(second.pages).toBeLessThanOrEqual(1); // the one that it is about to read into
    await answers();
    await written.end();
    const again = await begin(process, way);
    const stopped = await stopProcess(process, { timeout: 30_000, checkCancelled: () => {} });
    expect(await scans(again, true)).toEqual({ pages: first.pages, requests: 1 });
    await stopped.resume();
    await answers();
  });

  test.each([false, true])('a scan finds thousands of pages that lie apart; it stands still: %s', async (stands) => {
    const process = await started('scattered', arch);
    const written = await begin(process, way);
    await written.scan(memoryOf(process));
    await answers();
    const stopped = stands ? await stopProcess(process, { timeout: 30_000, checkCancelled: () => {} }) : undefined;
    const blocks = await written.scan(memoryOf(process), stands);
    await stopped?.resume();
    const apart = Array.from(blocks.subarray(48), (page) => page & 0x5555);
    expect(apart.filter((page) => page !== 0x5555)).toEqual([]);
    if (way === 'userfault') expect(blocks.subarray(48).every((page) => page === 0x5555)).toBe(true);
    await answers();
  });

  test('of two sessions the first is lost', async () => {
    const process = await started('busy', arch);
    const first = await begin(process, way);
    await first.scan(memoryOf(process));
    const second = await begin(process, way);
    await expect(first.scan(memoryOf(process))).rejects.toThrow(TrackingLost);
    await expect(first.keep(new Uint8Array(32))).rejects.toThrow(TrackingLost);
    expect(pagesIn(await second.scan(memoryOf(process)))).not.toContain(40);
    await answers();
  });

  test('a scan whose answer is gone is not made again: what it had found is lost', async () => {
    const process = await started('blocked', arch);
    const written = await begin(process, way);
    await written.scan(memoryOf(process));
    const { memory, runtime } = process;
    const record = runtime + RT_TRACKING;
    const request = memory.read(record + TK_REQUEST, REQUEST_SIZE);
    const number = request.readUInt32LE(RQ_NUMBER);
    expect(memory.u32(record + TK_ANSWER + RQ_NUMBER)).toBe(number);
    memory.writeU32(record + TK_ANSWER + RQ_NUMBER, 1); // as another tool's answer does
    await process.signal('SIGURG');
    await expect.poll(() => memory.u32(record + TK_ANSWER + RQ_NUMBER), { interval: 1, timeout: 30_000 }).toBe(number);
    expect(Number(memory.read(record + TK_RESULT, 8).readBigInt64LE())).toBe(TRACK_STALE);
    await answers();
  });

  test('a request of two parts is none', async () => {
    const process = await started('blocked', arch);
    const written = await begin(process, way);
    await written.scan(memoryOf(process));
    const { memory, runtime } = process;
    const record = runtime + RT_TRACKING;
    const before = memory.read(record + TK_ANSWER, REQUEST_SIZE);
    for (let at = RQ_NUMBER; at < REQUEST_SIZE; at += 4) {
      const request = memory.read(record + TK_REQUEST, REQUEST_SIZE);
      request.writeUInt32LE((request.readUInt32LE(RQ_NUMBER) ^ 0x5a5a5a5a) >>> 0, RQ_NUMBER);
      request.writeUInt32LE((request.readUInt32LE(at) ^ 1) >>> 0, at);
      memory.write(record + TK_REQUEST, request);
      await process.signal('SIGURG');
      await answers(); // so the signal has been handled
      expect(memory.read(record + TK_ANSWER, REQUEST_SIZE).equals(before), `byte ${at}`).toBe(true);
    }
  });

  test('a session continues from what was kept, once', async () => {
    const process = await started('blocked', arch);
    const memory = memoryOf(process);
    const id = Buffer.alloc(32, 7);
    const first = await begin(process, way);
    await first.scan(memory);
    await first.keep(id);
    await answers();
    const second = await WrittenPages.begin(process, way);
    expect(second?.since).toEqual(id);
    expect(pagesIn(await second!.written.scan(memory))).toEqual([0]);
    expect((await WrittenPages.begin(process, way))?.since).toBeUndefined();
    await answers();
  });

  test('a scan after that forgets what was kept', async () => {
    const process = await started('blocked', arch);
    const written = await begin(process, way);
    await written.scan(memoryOf(process));
    await written.keep(Buffer.alloc(32, 7));
    await answers();
    expect(pagesIn(await written.scan(memoryOf(process)))).toEqual([0]);
    expect((await WrittenPages.begin(process, way))?.since).toBeUndefined();
    await answers();
  });

  test('what no scan has looked at counts as written', async () => {
    const process = await started('blocked', arch);
    const { address, pages } = memoryOf(process);
    const written = await begin(process, way);
    const inTheMiddle = { ...memoryOf(process), address: address + (10 << 16), pages: 5 };
    expect(pagesIn(await written.scan(inTheMiddle))).toEqual([0, 1, 2, 3, 4]);
    const found = pagesIn(await written.scan(memoryOf(process)));
    expect(found).toEqual(Array.from({ length: pages }, (_, page) => page).filter((page) => page < 10 || page > 14));
    await answers();
  });

  test('after the end of a session nothing is protected', async () => {
    const process = await started('blocked', arch);
    const written = await begin(process, way);
    await written.scan(memoryOf(process));
    const isProtected = way === 'protect' ? readOnly : watched;
    if (arch === nativeArch) expect(isProtected(process).length).toBeGreaterThan(0);
    await written.end();
    expect(isProtected(process)).toEqual([]);
    await answers();
  });
});

/** What smaps says of each mapping of the memory. */
function mappingsOf(process: ImageProcess): string[] {
  const { address, pages } = memoryOf(process);
  const all = readFileSync(`/proc/${process.pid}/smaps`, 'latin1').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return all.filter((text) => {
    const [start, end] = text
      .split(' ', 1)[0]
      .split('-')
      .map((word) => Number.parseInt(word, 16));
    return start < address + pages * 65536 && end > address;
  });
}

/** Those of them that cannot be written. */
const readOnly = (process: ImageProcess) => mappingsOf(process).filter((text) => /^\S+ r--p/.test(text));
/** Those of them that userfaultfd watches. */
const watched = (process: ImageProcess) => mappingsOf(process).filter((text) => /^VmFlags:.* uw\b/m.test(text));

test.each([
  ['userfault', 'protect'],
  ['protect', 'userfault'],
] as const)('what was kept by %s means nothing to %s', async (way, later) => {
  const process = await started('blocked');
  const first = await begin(process, way);
  await first.scan(memoryOf(process));
  await first.keep(Buffer.alloc(32, 7));
  expect((await WrittenPages.begin(process, later))?.since).toBeUndefined();
  await answers();
});

/** A process that a capture is done with: what it wrote since stays known, so its pages stay protected. */
function remembers({ memory, runtime }: ImageProcess): boolean {
  return memory.read(runtime + RT_TRACKING + TK_SINCE, TRACK_ID_SIZE).some((byte) => byte !== 0);
}

describe.each(['userfault', 'protect'] as const)('a tool that is killed, by %s', (way) => {
  // What a capture says that it has come to: at the last one, nothing is kept for the next capture yet.
  test.each(['session', 'round 1', 'stands still', 'in the temporary file', 'is on the disk'])(
    'leaves nothing that stays protected: at "%s"',
    { timeout: 60_000 },
    async (moment) => {
      const process = await started('busy');
      const env = { ...globalThis.process.env, WAGSNAP_TRACKING: way, WAGSNAP_TRACE: 'track,stop,capture' };
      const output = join(folder, 'killed.wsnap');
      let left: string[];
      do {
        command = spawn(resolve('bin/wag-snap'), ['capture', String(process.pid), '-o', output], { env });
        let said = '';
        command.stderr!.on('data', (text) => {
          said += text;
          if (said.includes(moment)) command!.kill('SIGKILL');
        });
        await once(command, 'close');
        expect(said).toContain(moment);
        await answers(); // writes its memory
        left = readOnly(process);
        // What it says may reach us after it is done. What it has asked for last may reach the process after its death.
      } while (command.signalCode === null || remembers(process));
      expect(left).toEqual([]);
      await answers();
    },
  );
});

test('of two captures at the same time, one says that the other took its tracking over', {
  timeout: 60_000,
}, async () => {
  const { pid } = await started('wide');
  const capture = async (name: string) => {
    const output = join(folder, name);
    const { stdout } = await promisify(execFile)(resolve('bin/wag-snap'), [
      'capture',
      `${pid}`,
      '--json',
      '-o',
      output,
    ]);
    readSnapshot(output);
    return (JSON.parse(stdout) as CaptureReport).tracking;
  };
  for (let hasLost = false; !hasLost; ) {
    const [one, two] = await Promise.allSettled([capture('one'), capture('two')]);
    for (const outcome of [one, two]) {
      if (outcome.status === 'rejected') expect(String(outcome.reason)).toMatch(/is being captured by another process/);
      const tracking = outcome.status === 'rejected' ? undefined : outcome.value;
      if (tracking?.written !== null) continue;
      hasLost = true;
      expect(tracking.rest).toBeGreaterThan((WIDE_MEBIBYTES - 1) << 20);
    }
    await answers();
  }
});

test('a process that was suspended is not waited for', { timeout: 60_000 }, async () => {
  const process = await started('busy');
  const written = await begin(process, 'userfault');
  talker!.workload.kill('SIGSTOP');
  await expect.poll(() => process.status()?.state).toBe('T');
  await expect(written.scan(memoryOf(process))).rejects.toThrow('is suspended');
  talker!.workload.kill('SIGCONT');
  await answers();
});

test('a process without a way is captured standing still', async () => {
  const process = await started('busy');
  const report = await capturePid(process.pid, { output: join(folder, 'still.wsnap'), tracking: 'none' });
  expect(report.tracking).toBeUndefined();
  await answers();
});
