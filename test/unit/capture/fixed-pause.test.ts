/** What a pause takes beside its pages decides whether it is short enough, together with them. */

import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CopyDeadline, SnapshotTaker } from '../../../src/capture/capture-options.js';
import { Talker } from '../../faults/capture-sweep.js';
import { BLOCKED } from '../../faults/programs.js';
import { capturePid } from '../../support/capture.js';
import { nativeArch } from '../../support/native-arch.js';
import { build, temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
const image = join(folder, 'program');
const HOUR = 3_600_000;
let talker: Talker;

beforeAll(() => build(Buffer.from(BLOCKED), image, { arch: nativeArch }));
beforeEach(async () => {
  talker = await Talker.start(image);
});
afterEach(() => talker.workload.kill());

/** @param fixed milliseconds @param least those that are sure @returns the pauses that were expected, and whether it was stopped */
async function capture(fixed: number, deadline: CopyDeadline, least = fixed, mayStop = async () => true) {
  const pauses: number[] = [];
  let isStopped = false;
  const taker: SnapshotTaker = {
    round: async () => {},
    fixedPause: () => fixed,
    leastPause: () => least,
    mayStop,
    left: (_, pause) => pauses.push(pause),
    take: async () => {
      isStopped = true;
    },
  };
  const options = { output: join(folder, 'none'), pauseBudget: HOUR, deadline, taker } as const;
  const failed = await capturePid(talker.pid, options).then(
    () => undefined,
    (error) => error,
  );
  return { pauses, isStopped, failed };
}

test('it is a part of what is said, and of what has to fit', async () => {
  const { pauses, isStopped } = await capture(HOUR / 2, { after: HOUR, outcome: 'cancel' });
  expect(isStopped).toBe(true);
  for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(HOUR / 2);
});

test('where it alone does not fit, no round is made for that', async () => {
  const { failed, isStopped } = await capture(2 * HOUR, { after: HOUR, outcome: 'cancel' });
  expect([failed.code, failed.headline]).toEqual([
    'timeout',
    expect.stringMatching(/cannot be moved in so little time: it would stand still for \d+ ms, not 3600000$/),
  ]);
  expect(isStopped).toBe(false);
  for (const outcome of ['stop', 'lazy'] as const) {
    expect((await capture(2 * HOUR, { after: HOUR, outcome })).isStopped).toBe(true);
  }
});

test('an idle program, which is waited for: a round of nothing says nothing of the rate', async () => {
  let asked = 0;
  const { pauses, isStopped } = await capture(5, { after: HOUR, outcome: 'cancel' }, 5, async () => ++asked > 1);
  expect(isStopped).toBe(true);
  expect(asked).toBeGreaterThan(1);
  for (const pause of pauses) expect(pause).toBeLessThan(HOUR);
});

test('what may become shorter is waited for until the deadline', async () => {
  const { failed, isStopped, pauses } = await capture(2 * HOUR, { after: 1, outcome: 'cancel' }, HOUR / 2);
  expect([failed.code, failed.headline]).toEqual([
    'timeout',
    expect.stringMatching(/^pid \d+ writes too fast: after 1 ms/),
  ]);
  expect([isStopped, pauses.length > 0]).toEqual([false, true]);
});
