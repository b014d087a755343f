/**
 * Tracking of memories that grow, and of large ones, which `protect` has larger blocks for: those need not begin at a
 * multiple of their size, and the last one may end in the middle. The program reads across the border of two blocks.
 */

import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PreCopy } from '../../../src/capture/pre-copy.js';
import { ImageProcess } from '../../../src/capture/process.js';
import { stopProcess } from '../../../src/capture/stop.js';
import { memoriesOf } from '../../../src/capture/used-memory.js';
import { type TrackingWay, WrittenPages } from '../../../src/capture/written-pages.js';
import type { LivePageSink, PageSource } from '../../../src/snapshot/pages.js';
import { nativeArch } from '../../support/native-arch.js';
import { build, canRun, temporaryFolder, Workload } from '../../support/workload.js';
import { IMPORTS, PRINT } from '../snapshot/programs.js';

const SMALL = 5;
/** More than 512 MiB: a block is larger than a page, and there is an odd number of pages. */
const LARGE = 8195;
const LARGE_BLOCK = 131_072;
const MORE = 64;

/** Reads two bytes, to both sides of a border. The second one says by how many pages it is to grow; answers with a dot. */
const growing = (pages: number) => `(module ${IMPORTS} (memory ${pages}) ${PRINT}
  (func $grow (param $by i32)
    (memory.fill
      (i32.mul (memory.grow (local.get $by)) (i32.const 65536))
      (i32.const 1)
      (i32.mul (local.get $by) (i32.const 65536))))
  (func (export "_start")
    (call $print (i32.const 65))
    (loop $again
      (i32.store (i32.const 0) (i32.const ${LARGE_BLOCK - 1})) (i32.store (i32.const 4) (i32.const 2))
      (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then (call $exit (i32.const 9))))
      (if (i32.ne (i32.load (i32.const 8)) (i32.const 2)) (then (call $exit (i32.const 8))))
      (if (i32.eq (i32.load8_u (i32.const ${LARGE_BLOCK})) (i32.const 49)) (then (call $grow (i32.const 1))))
      (if (i32.eq (i32.load8_u (i32.const ${LARGE_BLOCK})) (i32.const 77)) (then (call $grow (i32.const ${pages + MORE}))))
      (call $print (i32.const 46))
      (br $again))))`;

const folder = temporaryFolder();
const other = nativeArch === 'x64' ? 'arm64' : 'x64';
let workload: Workload | undefined;
let attached: ImageProcess | undefined;
let said = '';
beforeAll(async () => {
  for (const pages of [SMALL, LARGE]) {
    for (const arch of [nativeArch, other] as const) {
      await build(Buffer.from(growing(pages)), join(folder, `${pages}-${arch}`), { arch });
    }
  }
});
const end = () => {
  attached?.close();
  workload?.kill();
  [attached, workload] = [undefined, undefined];
};
afterEach(end);

async function started(pages: number, arch: string): Promise<ImageProcess> {
  workload = Workload.start(join(folder, `${pages}-${arch}`), { stdin: 'pipe' });
  said = 'A';
  await workload.waitFor(said);
  attached = await ImageProcess.attach(workload.pid);
  await attached.prepareSignals(() => {});
  return attached;
}

/** Says something, and waits for the answer. @param command '0', '1': it grows by a page, 'M': by much */
async function say(command: string): Promise<void> {
  workload!.stdin.write(`-${command}`);
  said += '.';
  await workload!.waitFor(said);
}

/** Those that it does not read into. */
const found = (blocks: Uint16Array) => Array.from(blocks.keys()).filter((page) => page > 3 && blocks[page] !== 0);
const scan = async (process: ImageProcess, written: WrittenPages) => found(await written.scan(memoriesOf(process)[0]));

const ways: readonly (readonly [string, TrackingWay])[] = [
  [nativeArch, 'userfault'],
  [nativeArch, 'protect'],
  ...(canRun(other) ? [[other, 'protect'] as const] : []),
];
const cases = ways.flatMap(([arch, way]) => [SMALL, LARGE].map((pages) => ({ arch, way, pages })));

test.each(cases)('$arch, by $way: a page by which $pages pages grow is found, and no other', async (the) => {
  const process = await started(the.pages, the.arch);
  const { written } = (await WrittenPages.begin(process, the.way))!;
  await scan(process, written);
  for (let pages = the.pages; pages < the.pages + 3; pages++) {
    await say('1');
    const grown = await scan(process, written);
    expect(grown).toContain(pages);
    expect(grown.filter((page) => page < pages - 1)).toEqual([]); // the one before may be of the same block
    expect(await scan(process, written)).toEqual([]);
  }
  await say('0');
});

describe('by protect', () => {
  test('a read across two blocks that do not begin at multiples of their size', async ({ skip }) => {
    let process = await started(LARGE, nativeArch);
    for (let n = 0; memoriesOf(process)[0].address % LARGE_BLOCK === 0; n++) {
      if (n === 30) skip('needs addresses that the kernel chooses by chance');
      end();
      process = await started(LARGE, nativeArch);
    }
    const { written } = (await WrittenPages.begin(process, 'protect'))!;
    for (let n = 0; n < 3; n++) {
      const blocks = await written.scan(memoriesOf(process)[0]);
      if (n > 0) expect([1, 2].map((page) => blocks[page] !== 0)).toEqual([true, true]);
      await say('0');
      await say('0');
    }
  });

  test('a memory that has outgrown its blocks gets others', async () => {
    const process = await started(SMALL, nativeArch);
    const first = (await WrittenPages.begin(process, 'protect'))!;
    await scan(process, first.written);
    await first.written.keep(Buffer.alloc(32, 7));
    await say('M');
    const second = (await WrittenPages.begin(process, 'protect'))!;
    expect(second.since).toBeUndefined(); // all of it counts as written
    expect((await scan(process, second.written)).length).toBe(2 * SMALL + MORE - 4);
    expect(await scan(process, second.written)).toEqual([]);
    await say('0');
  });
});

/** A sink that remembers which pages it was given. */
function remembering(taken: Set<number>): LivePageSink {
  const nothing = { extents: [], blocks: new Uint16Array(0) };
  const openMemory = () => ({
    take: async (source: PageSource) => {
      for (const { first, blocks } of source.runs()) blocks.forEach((_, i) => void taken.add(first + i));
    },
    inherit: () => {},
    placed: () => nothing,
  });
  return { openMemory, takePages: async () => nothing, takeContents: async () => 0 };
}

describe.each(ways)('a copy of a memory that grows, on %s, by %s', (arch, way) => {
  const grown = Array.from({ length: SMALL + MORE }, (_, i) => SMALL + i);
  const begin = async (process: ImageProcess, taken: Set<number>, onFirstRound: () => Promise<unknown>) => {
    let rounds = 0;
    const copy = await PreCopy.begin(process, remembering(taken), {
      pauseBudget: 20,
      way,
      settle: async () => {},
      onTotal: () => {},
      onBytes: () => {},
      onRound: async () => void (rounds++ === 0 && (await onFirstRound())),
    });
    await copy!.run();
    return copy!;
  };

  test('has what it has grown by while it was copied, before it stands still', async () => {
    const taken = new Set<number>();
    const process = await started(SMALL, arch);
    const copy = await begin(process, taken, () => say('M'));
    expect(copy.report.written).toBeGreaterThanOrEqual(grown.length << 16);
    expect([...taken]).toEqual(expect.arrayContaining(grown));
    await copy.release();
    await say('0');
  });

  test('has all of it when another tool has taken the tracking over', async () => {
    const taken = new Set<number>();
    const process = await started(SMALL, arch);
    const copy = await begin(process, taken, () => WrittenPages.begin(process, way));
    expect(copy.report.written).toBeNull();
    await say('M');
    const stopped = await stopProcess(process, { timeout: 30_000, checkCancelled: () => {} });
    taken.clear();
    await copy.finish(memoriesOf(process));
    await copy.writeHeld();
    await stopped.resume();
    expect([...taken]).toEqual(expect.arrayContaining([0, ...grown]));
    await say('0');
  });
});
