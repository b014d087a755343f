/**
 * Schedules of the code that stops a process, which is run again and again. Either all schedules: each run ends at the
 * first new state of the world, and further runs take each step from there. Or random schedules, run to their ends.
 */

import { setImmediate } from 'node:timers/promises';
import { type Chooser, Cut, die, Simulation } from './simulated.js';
import type { ToolState } from './tool-model.js';
import { type World, wrong } from './walk.js';

/** Stops the process, holds it, and lets it go or ends it. */
export type Code = (simulation: Simulation) => Promise<void>;

export interface Driven {
  /** What code and model have in common of each state (phaseOf), and the steps that led there. */
  readonly states: Map<string, readonly string[]>;
  /** What does not hold, with the steps that led there. */
  readonly violations: string[];
  runs: number;
}

/** Which step is next, after those that were; '' to end this run. @param reached to be told of further states */
type Choose = (
  steps: readonly string[],
  reached: (world: World, steps: readonly string[]) => void,
  ...point: Parameters<Chooser['choose']>
) => string;

const BREATHER = 100;

async function run(tools: readonly ToolState[], code: Code, choose: Choose, driven: Driven): Promise<void> {
  const { states, violations } = driven;
  const steps: string[] = [];
  driven.runs++;
  const reached = (world: World, steps: readonly string[]) => {
    const phase = phaseOf(world);
    if (!states.has(phase)) states.set(phase, [...steps]);
    const problem = wrong(world);
    if (problem === undefined || violations.length > 0) return;
    violations.push(`${problem}:\n${steps.join('\n')}\n${JSON.stringify(world)}`);
  };
  const simulation = new Simulation(tools, {
    choose(...point) {
      const choice = choose(steps, reached, ...point);
      if (choice !== '') steps.push(choice);
      return choice;
    },
    reached: (world) => reached(world, steps),
  });
  if (driven.runs % BREATHER === 0) await setImmediate(); // lets the runner hear of this process
  try {
    await code(simulation);
  } catch (error) {
    if (!(error instanceof Cut)) throw error;
  }
}

/**
 * All schedules. What everything else does while the code waits at a point needs no run of its own: only where the code
 * continues from each state that is reached meanwhile.
 */
export async function driveAll(tools: readonly ToolState[], code: Code): Promise<Driven> {
  const driven: Driven = { states: new Map(), violations: [], runs: 0 };
  const visited = new Set<string>();
  const open: string[][] = [[]];
  for (let at = 0; at < open.length && driven.violations.length === 0; at++) {
    const prefix = open[at];
    const choose: Choose = (steps, reached, world, position, ways, others) => {
      const choice = prefix[steps.length];
      if (choice !== undefined) {
        if (ways.includes(choice) || others(world).has(choice)) return choice;
        throw new Error(`the code does not repeat itself: no ${choice} after ${steps}`);
      }
      const queue: [World, string[]][] = [[world, [...steps]]];
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const [now, path] = next;
        const key = JSON.stringify([now, position]);
        if (visited.has(key)) continue;
        visited.add(key);
        reached(now, path);
        const dead = structuredClone(now);
        die(dead);
        reached(dead, [...path, 'dies']);
        for (const way of ways) open.push([...path, way]);
        for (const [name, step] of others(now)) {
          const after = structuredClone(now);
          step(after);
          queue.push([after, [...path, name]]);
        }
      }
      return '';
    };
    await run(tools, code, choose, driven);
    open[at] = []; // no longer needed
  }
  return driven;
}

const LONGEST = 400; // steps of a run
const DIES = 0.01;

/** Schedules by chance. @param next random numbers in [0, 1) */
export async function driveSome(
  tools: readonly ToolState[],
  code: Code,
  runs: number,
  next: () => number,
): Promise<Driven> {
  const driven: Driven = { states: new Map(), violations: [], runs: 0 };
  const choose: Choose = (steps, _, world, __, ways, others) => {
    if (steps.length >= LONGEST) return '';
    if (world.tools[0].pc !== 'done' && next() < DIES) return 'dies';
    const possible = [...others(world).keys()].filter((step) => !/\bdies$/.test(step) || next() < DIES);
    const options = [...ways, ...possible];
    return options[Math.floor(next() * options.length)];
  };
  while (driven.runs < runs && driven.violations.length === 0) await run(tools, code, choose, driven);
  return driven;
}

const ASKS: readonly string[] = [
  ...['idle', 'ask', 'poll', 'sender', 'take', 'hold', 'check', 'check2', 'check3', 'check4', 'wake'],
  ...['withdraw', 'withdrawSignal'],
];
const SAME: Readonly<Record<string, string>> = { release: 'holding', close: 'releaseSignal' };

/** What the first tool is doing, as far as code says it, and everything else. */
export function phaseOf({ process, tools: [{ pc }, ...others] }: World): string {
  return JSON.stringify([ASKS.includes(pc) ? 'asks' : (SAME[pc] ?? pc), process, others]);
}
