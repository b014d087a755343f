/**
 * The code that stops a process (src/capture/stop.ts, claim.ts, stopped-process.ts) goes through the schedules of the
 * model: the code is real, the process and another tool are the model's. With any event in between, and with the tool's
 * death at any step, only states of the model are reached. protocol.test.ts has shown that these are good.
 */

import { expect, test, vi } from 'vitest';
import { ToolError } from '../../src/base/errors.js';
import { stopProcess } from '../../src/capture/stop.js';
import { random } from '../support/random.js';
import { exhaustive, seed } from '../support/sampling.js';
import { driveAll, driveSome, phaseOf } from './schedules.js';
import { Cut, type Simulation } from './simulated.js';
import { freshTool, type ToolState } from './tool-model.js';
import { walk } from './walk.js';

let simulation: Simulation;

vi.mock('../../src/capture/pauses.js', () => ({ FIRST_PAUSE: 1, longer: () => 1, sleep: () => simulation.pause() }));
vi.mock('../../src/capture/lifeline.js', () => ({
  Lifeline: {
    take: () =>
      simulation.takeLifeline()
        ? { isOf: () => simulation.hasLifeline(), close: () => simulation.closeLifeline() }
        : undefined,
  },
}));
vi.mock('../../src/capture/process.js', async (original) => ({
  ...(await original<object>()),
  processStatus: (pid: number) => simulation.statusOf(pid),
}));
vi.mock('../../src/capture/claim.js', async (original) => {
  const real = await original<typeof import('../../src/capture/claim.js')>();
  const claim: typeof real.claim = async (...args) => {
    simulation.isClaiming = true;
    try {
      return await real.claim(...args);
    } finally {
      simulation.isClaiming = false;
    }
  };
  return { ...real, claim };
});

async function code(now: Simulation): Promise<void> {
  simulation = now;
  const time = vi.spyOn(performance, 'now').mockImplementation(() => now.now);
  try {
    const stopped = await stopProcess(now.asProcess(), { timeout: 10_000, checkCancelled: () => {} });
    now.enter('holding');
    const way = now.point('holds', ['resumes', 'ends']);
    await (way === 'resumes' ? stopped.resume() : stopped.end());
  } catch (error) {
    if (error instanceof Cut || !(error instanceof ToolError)) throw error;
  } finally {
    time.mockRestore();
  }
  now.enter('done');
  now.enter('dead');
}

const OTHER = process.pid + 1;
/** Of each two. */
const RUNS = 1000;

test.each([
  ['alone', [false]],
  ['alone, of another namespace', [true]],
])('%s, all schedules', { timeout: 600_000 }, async (_, kinds) => {
  const tools = kinds.map((foreign) => freshTool(process.pid, foreign));
  const known = statesOf(tools);
  const { states, violations, runs } = await driveAll(tools, code);
  console.log(`${runs} runs, ${states.size} states, ${known.size} in the model`);
  expect(violations).toEqual([]);
  const unknown = [...states].filter(([state]) => !known.has(state));
  expect(unknown.map(([state, steps]) => `${state}: ${steps.join(', ')}`)).toEqual([]);
  expect([...known].filter((state) => states.has(state)).length).toBeGreaterThan(known.size / 2);
});

test.each([
  ['with another', [false, false]],
  ['with one of another namespace', [false, true]],
  ['of another namespace, with one that is not', [true, false]],
  ['both of other namespaces', [true, true]],
])(`%s, schedules by chance, seed ${seed}`, { timeout: 600_000 }, async (_, kinds) => {
  const tools = kinds.map((foreign, i) => freshTool([process.pid, OTHER][i], foreign));
  const driven = await (exhaustive ? driveAll(tools, code) : driveSome(tools, code, RUNS, random(seed)));
  console.log(`${driven.runs} runs, ${driven.states.size} states`);
  expect(driven.violations).toEqual([]);
  const phases = new Set([...driven.states.keys()].map((state) => JSON.parse(state)[0]));
  expect(phases).toEqual(new Set(['asks', 'holding', 'releaseSignal', 'done', 'dead']));
});

function statesOf(tools: ToolState[]): Set<string> {
  const known = new Set<string>();
  const { violations } = walk(tools, { onState: (world) => known.add(phaseOf(world)) });
  expect(violations).toEqual([]);
  return known;
}
