/**
 * What a process remembers of its last capture, by every way of tracking that this machine has. A capture with that one
 * as its parent reads only what was written since; with any other parent it compares. Both give the memory's contents.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CaptureOptions } from '../../../src/capture/capture-options.js';
import type { TrackingWay } from '../../../src/capture/written-pages.js';
import type { CaptureReport } from '../../../src/snapshot/capture-report.js';
import { locateAncestors } from '../../../src/snapshot/chain.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import { Talker } from '../../faults/capture-sweep.js';
import { BLOCKED } from '../../faults/programs.js';
import { capturePid } from '../../support/capture.js';
import { nativeArch } from '../../support/native-arch.js';
import { build, canRun, temporaryFolder } from '../../support/workload.js';
import { readMemory } from '../snapshot/chain-sample.js';

const folder = temporaryFolder();
const other = nativeArch === 'x64' ? 'arm64' : 'x64';
const ways: readonly (readonly [string, TrackingWay])[] = [
  [nativeArch, 'userfault'],
  [nativeArch, 'protect'],
  ...(canRun(other) ? [[other, 'protect'] as const] : []),
];
/** What a capture says that it has come to. */
const MOMENTS = ['session', 'round 1', 'stands still', 'in the temporary file', 'is on the disk'];
let talker: Talker;
let command: ChildProcess | undefined;
let own: string;
let tests = 0;

beforeAll(async () => {
  for (const arch of [nativeArch, other] as const) {
    await build(Buffer.from(BLOCKED), join(folder, arch), { arch });
  }
});
beforeEach(() => {
  own = join(folder, `test-${tests++}`);
  mkdirSync(own);
});
afterEach(() => {
  talker.workload.kill();
  command?.kill('SIGKILL');
  command = undefined;
});

const file = (name: string) => join(own, `${name}.wsnap`);
const open = (name: string) => locateAncestors(readSnapshot(file(name)));

describe.each(ways)('%s, by %s', (arch, tracking) => {
  beforeEach(async () => {
    talker = await Talker.start(join(folder, arch));
  });

  const capture = async (
    name: string,
    parent?: string,
    options: Partial<CaptureOptions> = {},
  ): Promise<CaptureReport> =>
    capturePid(talker.pid, {
      output: file(name),
      tracking,
      ...(parent === undefined ? {} : { parent: await open(parent) }),
      ...options,
    });
  /** Talks, so that the memory is another one. */
  const goOn = async () => expect(await talker.wrongAnswer()).toBeUndefined();
  /** A snapshot has all that the memory has now. The program waits. */
  const isExact = async (name: string) => {
    await capturePid(talker.pid, { output: file('now'), tracking: 'none' });
    expect((await readMemory(await open(name))).equals(await readMemory(await open('now')))).toBe(true);
  };

  test('what was written since the last capture is all that is read', async () => {
    const { pages } = await capture('a');
    for (const [name, parent] of [
      ['b', 'a'],
      ['c', 'b'],
      ['d', 'c'],
    ]) {
      await goOn();
      const { tracking: tracked, changed } = await capture(name, parent);
      expect(tracked?.since).toBeGreaterThan(0);
      expect(tracked?.since).toBeLessThan(pages * 65536);
      expect(changed).toBeLessThanOrEqual(tracked!.since!);
      await isExact(name);
    }
    await goOn();
  });

  test('an earlier capture is compared, and the last one is remembered again', async () => {
    await capture('a');
    await goOn();
    await capture('b', 'a');
    await goOn();
    expect((await capture('c', 'a')).tracking?.since).toBeNull();
    await isExact('c');
    await goOn();
    expect((await capture('d', 'b')).tracking?.since).toBeNull();
    await isExact('d');
    await goOn();
    expect((await capture('e', 'd')).tracking?.since).toBeGreaterThan(0);
    await isExact('e');
  });

  test('a complete capture in between is the last one', async () => {
    await capture('a');
    await goOn();
    await capture('b');
    await goOn();
    expect((await capture('c', 'a')).tracking?.since).toBeNull();
    await isExact('c');
  });

  test('one that tracks nothing changes nothing', async () => {
    await capture('a');
    await goOn();
    await capture('b', undefined, { tracking: 'none' });
    await goOn();
    await capture('c', undefined, { withoutPages: true });
    expect((await capture('d', 'a')).tracking?.since).toBeGreaterThan(0);
    await isExact('d');
    await goOn();
    expect((await capture('e', 'b')).tracking?.since).toBeNull();
    await isExact('e');
  });

  test('one that fails is not remembered, nor is the one before', async () => {
    await capture('a');
    await goOn();
    const signal = AbortSignal.abort();
    await expect(capture('b', 'a', { signal })).rejects.toThrow('nothing was written');
    let seen = 0;
    const stop = new AbortController();
    const onProgress = () => (seen++ === 0 ? stop.abort() : undefined);
    await expect(capture('b', 'a', { signal: stop.signal, onProgress })).rejects.toThrow('nothing was written');
    await goOn();
    expect((await capture('c', 'a')).tracking?.since).toBeNull();
    await isExact('c');
  });

  test('a snapshot for somebody else, as of a move, is not remembered', async () => {
    await capture('a');
    await goOn();
    await capture('b', undefined, { taker: { round: async () => {}, take: async () => {} } });
    await goOn();
    expect((await capture('c', 'a')).tracking?.since).toBeNull();
    await isExact('c');
  });

  test('a tool that is killed at any moment leaves nothing wrong', { timeout: 120_000 }, async () => {
    await capture('a');
    let parent = 'a';
    for (const [n, moment] of MOMENTS.entries()) {
      await goOn();
      const env = { ...process.env, WAGSNAP_TRACKING: tracking, WAGSNAP_TRACE: 'track,stop,capture' };
      const output = file(`killed-${n}`);
      const args = ['capture', String(talker.pid), '-o', output, '--parent', file(parent)];
      command = spawn(resolve('bin/wag-snap'), args, { env });
      let said = '';
      command.stderr!.on('data', (text) => {
        said += text;
        if (said.includes(moment)) command!.kill('SIGKILL');
      });
      await once(command, 'close');
      expect(said).toContain(moment);
      await goOn();
      await capture(`after-${n}`, parent);
      await isExact(`after-${n}`);
      parent = `after-${n}`;
    }
  });
});
