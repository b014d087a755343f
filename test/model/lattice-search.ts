/**
 * Explores the lattice's world: every interleaving up to a depth from several beginnings, and long random walks. Two
 * worlds that differ only in absolute times, revisions and counts are one state.
 */

import type { JobRecord, NodeRecord } from '../../src/lattice/records.js';
import { jobKey, nodeKey } from '../../src/lattice/state.js';
import { type Action, actionsOf } from './lattice-actions.js';
import { isRunning, pass } from './lattice-steps.js';
import { cloneWorld, JOB, NAMES, newWorld, RULES, type Rules, Violation, type World } from './lattice-world.js';

/** The state as a text. Times are relative to the clock of whoever uses them, and cut off where they make no difference. */
export function canonical(world: World, rules: Rules): string {
  const { lease, answer, renew, margin } = rules.timing;
  /** How old a revision is; it does not matter how many others have followed. */
  const age = (key: string, revision: number) => Math.min((world.store[key]?.revision ?? 0) - revision, 2);
  const out: unknown[] = [world.budget, world.transfer ?? 0, world.snapshots];
  const renewals: Record<string, number> = {};
  for (const { node } of world.actors) if (node) renewals[node.session] = node.renewal;
  const recordOf = (record: NodeRecord | JobRecord) => {
    if ('session' in record) {
      const { incarnation, session, renewal, fenced, draining } = record;
      return [incarnation, session, Math.min((renewals[session] ?? renewal) - renewal, 4), fenced, draining];
    }
    const { desired, fence, holder, to, arrival, snapshot, end } = record;
    return [desired, fence, holder, to, arrival, snapshot?.reference, end !== null];
  };
  for (const key of Object.keys(world.store).sort()) {
    out.push(key, recordOf(world.store[key]!.record));
  }
  world.actors.forEach((actor, i) => {
    const now = world.clocks[i]!;
    const ago = (time: number, most: number) => Math.min(now - time, most);
    const left = (time: number) => Math.max(0, time - now);
    const { node, guard, process, held, outbox, inbox, requests, lives, isDone, isPaused, isCut, isGone } = actor;
    out.push(
      lives,
      guard.incarnation,
      left(guard.until),
      process ?? 0,
      held ?? 0,
      inbox,
      isDone,
      isPaused,
      isCut,
      isGone,
    );
    out.push(
      outbox.map((effect) => [effect.do, 'job' in effect && typeof effect.job !== 'string' ? effect.job.fence : 0]),
    );
    out.push(requests.map(({ key, record, revision, isCopy }) => [key, recordOf(record), age(key, revision), isCopy]));
    if (node === undefined) return;
    out.push(
      node.leaving,
      node.incarnation,
      left(node.until),
      node.moves,
      node.arrivals,
      node.ends,
      ago(node.renewedAt, renew),
    );
    for (const renewal in node.sent) out.push(node.renewal - Number(renewal), ago(node.sent[renewal]!, lease));
    for (const name of NAMES) {
      const known = node.nodes[name];
      if (known) {
        const since = ago(known.since, lease * margin);
        out.push(name, recordOf(known.record), age(`node.${name}`, known.revision), since);
      }
    }
    const job = node.jobs[JOB];
    if (job) out.push(recordOf(job.record), age(jobKey(JOB), job.revision));
    for (const key of Object.keys(node.pending).sort()) {
      const { revision, sentAt } = node.pending[key]!;
      out.push(key, age(key, revision), ago(sentAt, answer));
    }
    const program = node.programs[JOB];
    if (program) {
      const { fence, state, move, snapshot, after, unsent } = program;
      out.push(fence, state, move, snapshot?.reference, after && (job?.revision ?? 0) - after);
      out.push(unsent && ago(unsent.at, lease));
    }
  });
  return JSON.stringify(out);
}

/** 53 bits of a text. */
function hash(text: string): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

export interface Found {
  /** Different states. */
  readonly states: number;
  /** How many steps, or faults, from the beginning all of them are known, and how many these are. */
  readonly depth: number;
  readonly complete: number;
  /** The shortest way to a violation; undefined when there is none. */
  readonly violation: { readonly what: string; readonly steps: readonly string[] } | undefined;
}

/** The runner of the tests wants to hear of a long one. */
const breathe = () => new Promise((resolve) => setImmediate(resolve));

interface Visit {
  readonly world: World;
  readonly name: string;
  readonly from: Visit | undefined;
}

function stepsTo(visit: Visit | undefined): string[] {
  const steps: string[] = [];
  for (let at = visit; at?.from !== undefined; at = at.from) steps.unshift(at.name);
  return steps;
}

function apply(world: World, { act }: Action, rules: Rules): World {
  const next = cloneWorld(world);
  act(next, rules);
  return next;
}

/** Breadth first. @param limit the most states @param onState called with each, in this order */
export async function explore(
  begin: World,
  rules: Rules,
  limit: number,
  onState?: (world: World, action: string) => void,
): Promise<Found> {
  const seen = new Set([hash(canonical(begin, rules))]);
  let layer: Visit[] = [{ world: begin, name: '', from: undefined }];
  let [complete, visits] = [1, 0];
  for (let depth = 0; layer.length > 0; depth++) {
    const next: Visit[] = [];
    complete = seen.size;
    for (const visit of layer) {
      if (visits++ % 100 === 0) await breathe();
      for (const action of actionsOf(visit.world, rules)) {
        let world: World;
        try {
          world = apply(visit.world, action, rules);
        } catch (error) {
          if (!(error instanceof Violation)) throw error;
          const steps = [...stepsTo(visit), action.name];
          return { states: seen.size, depth, complete, violation: { what: error.message, steps } };
        }
        const id = hash(canonical(world, rules));
        if (seen.has(id)) continue;
        seen.add(id);
        onState?.(world, action.name);
        if (seen.size >= limit) return { states: seen.size, depth, complete, violation: undefined };
        next.push({ world, name: action.name, from: visit });
      }
    }
    layer = next;
  }
  return { states: seen.size, depth: Infinity, complete: seen.size, violation: undefined };
}

/**
 * Runs in which little goes wrong, however long they are. What is usual happens at once, in a fixed order, and time passes
 * when there is nothing else: that is free. Everything else costs one.
 *
 * @returns `depth`: all runs with so many unusual actions, at any of their steps, were looked at
 */
export async function exploreFaults(
  begin: World,
  rules: Rules,
  limit: number,
  onState?: (world: World, action: string) => void,
): Promise<Found> {
  const seen = new Set([hash(canonical(begin, rules))]);
  const first: Visit = { world: begin, name: '', from: undefined };
  // a step that costs is carried out when its turn comes: until then it takes no memory for a world
  let steps: { readonly from: Visit; readonly action: Action }[] = [];
  const dearer: (typeof steps)[] = [[]];
  const expand = (from: Visit, cost: number) => {
    const actions = actionsOf(from.world, rules);
    const usual = actions.find(({ isUsual }) => isUsual) ?? actions.at(-1)!;
    for (const action of actions) {
      if (action === usual) steps.push({ from, action });
      else (dearer[cost + 1] ??= []).push({ from, action });
    }
  };
  expand(first, 0);
  for (let cost = 0; ; cost++) {
    const complete = seen.size;
    for (let at = 0; at < steps.length; at++) {
      const { from, action } = steps[at]!;
      if (at % 100 === 0) await breathe();
      let world: World;
      try {
        world = apply(from.world, action, rules);
      } catch (error) {
        if (!(error instanceof Violation)) throw error;
        return {
          states: seen.size,
          depth: cost - 1,
          complete,
          violation: { what: error.message, steps: [...stepsTo(from), action.name] },
        };
      }
      const id = hash(canonical(world, rules));
      if (seen.has(id)) continue;
      seen.add(id);
      onState?.(world, action.name);
      if (seen.size >= limit) return { states: seen.size, depth: cost - 1, complete, violation: undefined };
      expand({ world, name: action.name, from }, cost);
    }
    steps = dearer[cost + 1] ?? [];
    if (steps.length === 0) return { states: seen.size, depth: Infinity, complete: seen.size, violation: undefined };
  }
}

/** A random way of some length. @param random numbers from 0 to 1 */
export function walk(
  begin: World,
  rules: Rules,
  length: number,
  random: () => number,
): Found & { readonly end: World } {
  let world = begin;
  const steps: string[] = [];
  for (let n = 0; n < length; n++) {
    const actions = actionsOf(world, rules);
    const action = actions[Math.floor(random() * actions.length)]!;
    steps.push(action.name);
    try {
      world = apply(world, action, rules);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return { states: n, depth: n, complete: n, violation: { what: error.message, steps }, end: world };
    }
  }
  return { states: length, depth: length, complete: length, violation: undefined, end: world };
}

/**
 * From now on nothing is lost and nobody stands still: everything that can happen happens, then a unit of time passes.
 * @returns the units until all is well and stays so; undefined: never
 */
export function settles(from: World, rules: Rules, units = 30): number | undefined {
  let world: World = { ...cloneWorld(from), budget: newWorld().budget };
  for (const actor of world.actors) Object.assign(actor, { isPaused: false, isCut: false });
  let since: number | undefined;
  for (let unit = 0; unit < units; unit++) {
    world = apply(world, { name: 'time', isUsual: true, act: (next) => pass(next, rules) }, rules);
    for (let n = 0; n < 200; n++) {
      const actions = actionsOf(world, rules);
      const useful = actions.find(({ isUsual, name }) => isUsual || name.endsWith('starts'));
      if (useful === undefined) break;
      world = apply(world, useful, rules);
    }
    if (!isWell(world, rules)) since = undefined;
    else since ??= unit;
    if (since !== undefined && unit - since >= 8) return since;
  }
  return undefined;
}

/**
 * The job runs, if there is a node for it, and not at one that is drained if there is another. Who is to leave has left,
 * and no move is under way.
 */
function isWell(world: World, rules: Rules): boolean {
  const job = world.store[jobKey(JOB)]!.record as JobRecord;
  const recordOf = (name: string) => world.store[nodeKey(name)]?.record as NodeRecord | undefined;
  if (world.actors.some(({ node }) => node?.leaving)) return false;
  if (job.end !== null) return true;
  const at = NAMES.findIndex((_, i) => isRunning(world, i, rules));
  const takers = NAMES.filter((name, i) => world.actors[i]!.node !== undefined && !recordOf(name)?.draining);
  if (at >= 0) return job.to === null && (takers.length === 0 || takers.includes(NAMES[at]!));
  const { holder } = job;
  const holds = NAMES.some((name, i) => {
    const { node } = world.actors[i]!;
    return node !== undefined && holder?.node === name && holder.incarnation === node.incarnation;
  });
  return takers.length === 0 && !holds;
}

/** The world after steps of given names. `a ...` is all that is usual for a, as long as there is something. */
export function after(begin: World, names: readonly string[], rules: Rules = RULES): World {
  let world = begin;
  for (const name of names) {
    const all = name.endsWith(' ...');
    const isWanted = all
      ? (action: Action) => action.isUsual && action.name.startsWith(name[0]!)
      : (action: Action) => action.name === name;
    for (;;) {
      const actions = actionsOf(world, rules);
      const action = actions.find(isWanted);
      if (action !== undefined) world = apply(world, action, rules);
      else if (!all) throw new Error(`"${name}" cannot happen, but: ${actions.map((one) => one.name).join(', ')}`);
      if (action === undefined || !all) break;
    }
  }
  return world;
}
