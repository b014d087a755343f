/** The expected downtime is more than what its pages take: the target has to make the process, and each answer to come. */

import { expect, test } from 'vitest';
import { FixedPause } from '../../../src/transport/fixed-pause.js';
import { moveProgram } from '../../../src/transport/source.js';
import { receiveProgram } from '../../../src/transport/target.js';
import { HELLO } from '../../support/hello.js';
import { hostOf, PATIENCE, PREPARING, programOf, useWorldTime, World } from '../../support/move-world.js';

useWorldTime();

test('the shortest answer is how long the link takes, and there are two of them', () => {
  const pause = new FixedPause();
  expect(pause.milliseconds).toBe(0);
  const answer = (asked: number, answered: number) => {
    pause.asks(asked);
    pause.answers(answered);
    return pause.milliseconds;
  };
  expect(answer(0, 10)).toBe(0); // while it is busy: that says nothing
  pause.preparing = 500;
  expect(pause.milliseconds).toBe(500);
  expect(answer(100, 400)).toBe(1100); // after a large round
  expect(answer(1000, 1020)).toBe(540);
  expect(answer(1100, 1121)).toBe(540);
});

test('the target says how long it needs, before the program is stopped', async () => {
  const world = new World(undefined, -1);
  const target = receiveProgram(world.channel('target'), hostOf(world));
  const program = programOf(world, undefined);
  const known: number[] = [];
  const asked: typeof program = {
    ...program,
    handOver: (taker) =>
      program.handOver({
        ...taker,
        async mayStop() {
          const isSo = await taker.mayStop();
          known.push(taker.fixedPause());
          return isSo;
        },
      }),
  };
  await moveProgram(world.channel('source'), asked, HELLO, { patience: PATIENCE });
  world.leaves();
  await target;
  expect(known).toHaveLength(1);
  expect(known[0]).toBeGreaterThanOrEqual(PREPARING);
});
