/** What is asked of a cluster that elects is asked again, all of it together within one limit. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { afterElection } from '../../../src/lattice/election.js';

const cluster = () => true;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets pass the pauses of something that is asked. @returns what it says in the end */
async function patiently<T>(asked: Promise<T>): Promise<T | Error> {
  let answer: T | Error | undefined;
  asked.then(
    (value) => (answer = value),
    (error) => (answer = error),
  );
  while (answer === undefined) await vi.advanceTimersByTimeAsync(100);
  return answer;
}

test('it is asked again until there is an answer', async () => {
  let asked = 0;
  const work = async () => {
    if (++asked < 5) throw new Error('503 JetStream system temporarily unavailable');
    return 'there';
  };
  expect(await patiently(afterElection(cluster, work))).toBe('there');
  expect(asked).toBe(5);
});

test.each([
  ['an answer', cluster, new InputError('no-job', 'there is no job that has had a timeout')],
  ['another error', cluster, new Error('permissions violation')],
  ['no cluster', () => false, new Error('timeout')],
])('it is asked once when there is %s', async (_, isCluster, error) => {
  let asked = 0;
  const work = async () => {
    asked++;
    throw error;
  };
  expect(await patiently(afterElection(isCluster, work))).toBe(error);
  expect(asked).toBe(1);
});

test('what asks while it is asked has no time of its own', async () => {
  const begun = performance.now();
  let [outer, inner] = [0, 0];
  const look = () =>
    afterElection(cluster, async () => {
      inner++;
      throw new Error('timeout');
    });
  const all = afterElection(cluster, async () => {
    outer++;
    return look();
  });
  expect(await patiently(all)).toMatchObject({ message: 'timeout' });
  expect(inner).toBe(outer);
  expect(performance.now() - begun).toBeLessThan(16_000); // by the test's own clock
});
