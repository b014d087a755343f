/** All interleavings of one process and some tools, and what must hold in each state that they reach. */

import { freshProcess, isFree, isParked, type ProcessState, processSteps } from './process-model.js';
import { looksDead, type ToolState, toolSteps } from './tool-model.js';

export interface World {
  process: ProcessState;
  tools: ToolState[];
}

export interface Walk {
  readonly states: number;
  /** What does not hold, with the steps that led there. */
  readonly violations: string[];
}

/**
 * Between its look and what it makes of it: microseconds, so the process's patience of seconds does not run out
 * meanwhile. NOTE: of two tools neither may be suspended from its look to its claim while the other stops the process,
 * and dies: whoever has the process without a lifeline, having seen it continue, takes it for one that waits for
 * anyone.
 */
const isClaiming = ({ pc }: ToolState, _: number, all: readonly ToolState[]) =>
  (pc === 'take' && all.length > 1) || ['hold', 'check', 'check2', 'check3', 'check4'].includes(pc);
const isHolding = ({ pc }: ToolState) => ['holding', 'wake', 'keep', 'keepSignal', 'keepWait', 'kept'].includes(pc);

/** What is wrong in a state; undefined when nothing is. */
export function wrong({ process, tools }: World): string | undefined {
  const holders = tools.filter(isHolding);
  if (holders.length > 1) return 'two tools hold it';
  if (holders.length === 1 && !isParked(process)) return 'it is let go while it is held';
  return undefined;
}

/** All that can happen next. */
function* successors(world: World): Generator<[string, World]> {
  const { process, tools } = world;
  const isDead = (all: readonly ToolState[]) => (id: number) => all.some((tool) => tool.id === id && looksDead(tool));
  for (const [name, step] of Object.entries(processSteps(process, isDead(tools)))) {
    if (name === 'patience' && tools.some(isClaiming)) continue;
    const next = structuredClone(world);
    step(next.process, isDead(next.tools));
    yield [`process ${name}`, next];
  }
  const isAlive = (id: number) => tools.some((tool) => tool.id === id && tool.pc !== 'dead');
  for (const [i, tool] of tools.entries()) {
    for (const [name, step] of Object.entries(toolSteps(tool, process, isAlive))) {
      const next = structuredClone(world);
      step(next.tools[i], next.process);
      yield [`${tool.foreign ? 'foreign ' : ''}tool ${tool.id} ${name}`, next];
    }
  }
}

export interface WalkOptions {
  /** Of states. */
  readonly limit?: number;
  /** Told of each state. */
  readonly onState?: (world: World) => void;
}

/** Walks everything, breadth first. */
export function walk(tools: ToolState[], { limit = 2_000_000, onState }: WalkOptions = {}): Walk {
  const first: World = { process: freshProcess(), tools };
  const from = new Map<string, [string, string] | undefined>([[JSON.stringify(first), undefined]]);
  const queue = [JSON.stringify(first)];
  const into = new Map<string, string[]>();
  const good: string[] = [];
  const violations: string[] = [];
  for (let at = 0; at < queue.length && violations.length === 0; at++) {
    if (queue.length > limit) throw new Error(`more than ${limit} states`);
    const key = queue[at];
    const world = JSON.parse(key) as World;
    onState?.(world);
    const problem = wrong(world);
    if (problem !== undefined) violations.push(`${problem}:\n${pathTo(key, from)}`);
    // one that is kept waits for somebody who knows what became of the move
    const { process } = world;
    if (isFree(process) || process.pc === 'ended' || (process.kept && process.pc === 'wait')) good.push(key);
    for (const [step, next] of successors(world)) {
      const target = JSON.stringify(next);
      into.set(target, [...(into.get(target) ?? []), key]);
      if (from.has(target)) continue;
      from.set(target, [key, step]);
      queue.push(target);
    }
  }
  if (violations.length === 0) {
    // From every state the process can get free, whatever has happened before.
    const saved = new Set(good);
    for (const state of saved) for (const before of into.get(state) ?? []) saved.add(before);
    const lost = queue.find((state) => !saved.has(state));
    if (lost !== undefined) violations.push(`it is never let go:\n${pathTo(lost, from)}`);
  }
  return { states: queue.length, violations };
}

function pathTo(key: string, from: ReadonlyMap<string, [string, string] | undefined>): string {
  const steps: string[] = [];
  for (let at = from.get(key); at !== undefined; at = from.get(at[0])) steps.unshift(at[1]);
  return `${steps.join('\n')}\n${key}`;
}
