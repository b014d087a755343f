/** Waits until what was asked of the lattice is done. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { JobEntry, Lattice } from '../../src/api/lattice.js';
import { ToolError } from '../../src/base/errors.js';
import { problemLines } from '../show/lattice.js';
import { printWarning } from '../show/warning.js';

/** Between two looks, in milliseconds. */
const PAUSE = 500;

export const waitOption = {
  type: 'boolean',
  default: false,
  describe: 'return when it is done',
} as const;

/** Until jobs that are being stopped have ended. What they wait for is said, once. Each may have been forgotten, or submitted again, by then. */
export async function waitForEnd(lattice: Lattice, names: readonly string[]): Promise<void> {
  const stopped = new Set(names);
  const said = new Set<string>();
  for (;;) {
    const jobs = await patiently(() => lattice.jobs());
    const left = jobs.filter(({ name, state }) => stopped.has(name) && state === 'stopping');
    if (left.length === 0) return;
    sayProblems(left, said);
    await sleep(PAUSE);
  }
}

/** Until a job that shall move has a node that it was to move to. @throws ToolError 'not-moved' */
export async function waitForMove(lattice: Lattice, name: string, node: string): Promise<void> {
  for (;;) {
    const job = await patiently(() => lattice.job(name));
    if (job.end !== null) throw new ToolError('not-moved', `${name} has ended: ${job.end}`);
    if (job.to === null && job.node === node) return;
    if (job.to === null && job.state === 'running') {
      const { note } = job.history.findLast(({ what }) => what === 'not-moved') ?? {};
      throw new ToolError('not-moved', `${name} has not moved to ${node}: ${note ?? `it is on ${job.node}`}`);
    }
    await sleep(PAUSE);
  }
}

/** Until a node has no job any more. What cannot leave it is said, once. @throws ToolError 'not-drained' */
export async function waitForDrain(lattice: Lattice, node: string): Promise<void> {
  const said = new Set<string>();
  for (;;) {
    const found = (await patiently(() => lattice.nodes({ all: true }))).find(({ name }) => name === node);
    if (found?.state === 'ready' || found?.state === 'cordoned') {
      throw new ToolError('not-drained', `${node} is not drained any more: it is ${found.state}`);
    }
    if (found === undefined || found.jobs === 0) return;
    sayProblems(
      (await patiently(() => lattice.jobs())).filter((job) => job.node === node),
      said,
    );
    await sleep(PAUSE);
  }
}

/** Looks again while NATS is away, which has what was asked for. */
async function patiently<T>(look: () => Promise<T>): Promise<T> {
  for (let isSaid = false; ; isSaid = true) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof ToolError) || error.code !== 'nats') throw error;
      if (!isSaid) printWarning(`${error.headline}: it is waited for`);
      await sleep(PAUSE);
    }
  }
}

/** @param said the names of jobs of which it was said already */
function sayProblems(jobs: readonly JobEntry[], said: Set<string>): void {
  for (const job of jobs) {
    if (said.has(job.name)) continue;
    const lines = problemLines(job);
    if (lines !== '') said.add(job.name);
    process.stderr.write(lines);
  }
}
