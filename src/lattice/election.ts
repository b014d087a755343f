/**
 * What is asked of a cluster of NATS servers that has no leader now: it has just started, or has lost a server. It answers
 * when it has elected one.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { InputError } from '../base/errors.js';

/** How long it may take, in milliseconds. */
const TIME = 15_000;
const PAUSE = 250;
const NO_LEADER = /temporarily unavailable|no suitable peers|insufficient resources|no responders|timeout/i;
/** Of what is asked while something else is: the whole of it is asked again, and has one limit. */
const isAsking = new AsyncLocalStorage<true>();

/**
 * Does something again until a leader answers, or for as long as an election may take.
 *
 * @param work what may be done twice, or not at all @throws its last error
 */
export function afterElection<T>(isCluster: () => boolean, work: () => Promise<T>): Promise<T> {
  return isAsking.getStore() ? work() : isAsking.run(true, () => persist(isCluster, work));
}

async function persist<T>(isCluster: () => boolean, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isAnswer = error instanceof InputError || !NO_LEADER.test(String((error as Error).message));
      if (isAnswer || !isCluster() || performance.now() - begun >= TIME) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}
