/** How the lattice's world changes: what happens at a node and at the server, and what must never be. */

import { extend } from '../../src/lattice/guard.js';
import { hasLease } from '../../src/lattice/membership.js';
import type { DurableSnapshot, JobRecord, NodeRecord } from '../../src/lattice/records.js';
import { type Event, jobKey, newNode, nodeKey } from '../../src/lattice/state.js';
import {
  type Actor,
  type AnyRecord,
  cloneNode,
  JOB,
  NAMES,
  newActor,
  OFFER,
  type Process,
  type Rules,
  Violation,
  type World,
} from './lattice-world.js';

/** Time passes, for programs and guards, and whoever else does something meanwhile has its own action. */
export function pass(world: World, { rates }: Rules): void {
  world.clocks[0] += rates[0];
  world.clocks[1] += rates[1];
  for (const actor of world.actors) actor.isDone = false;
}

export function isRunning(world: World, i: number, rules: Rules): boolean {
  const { process, guard } = world.actors[i]!;
  if (process === undefined || process.parked) return false;
  return rules.verdict(guard, process.incarnation, world.clocks[i]!) === 'run';
}

export function start(world: World, i: 0 | 1, { timing }: Rules): void {
  const actor = world.actors[i];
  const session = `${NAMES[i]}${++actor.lives}`;
  actor.node = { ...newNode({ name: NAMES[i], session, timing, offer: OFFER, receiver: null }), isUpToDate: true };
  actor.isDone = false;
}

/** The guard notices, and ends what runs. Writes may still be under way. */
export function crash(world: World, i: 0 | 1): void {
  world.budget.crashes--;
  const { requests, lives } = world.actors[i];
  world.actors[i] = { ...newActor(), requests, lives };
}

export function lose(world: World, i: 0 | 1): void {
  const { requests } = world.actors[i];
  world.budget.losses--;
  world.actors[i] = { ...newActor(), requests, isGone: true };
}

/** A process that has left, and may be started again. As in src/lattice/agent.ts. */
function leave(world: World, i: 0 | 1): void {
  const { node, process, requests, lives } = world.actors[i];
  if (!node?.leaving) return;
  const own = node.nodes[node.name]?.record;
  const isFenced = own?.fenced === true && own.session === node.session;
  const hasNothing = Object.keys(node.programs).length === 0;
  const isAlone = node.incarnation === 0 || (node.leaving === 'drop' && !hasLease(node, world.clocks[i]));
  if (!hasNothing || !(isFenced || isAlone)) return;
  if (process !== undefined) throw new Violation('a node has left, and its program is there');
  world.actors[i] = { ...newActor(), requests, lives };
}

export function happen(world: World, i: 0 | 1, event: Event, rules: Rules): void {
  const actor = world.actors[i];
  const now = world.clocks[i];
  const node = cloneNode(actor.node!);
  actor.node = node;
  actor.isDone = true;
  for (const effect of rules.step(node, event, now)) {
    switch (effect.do) {
      case 'write-node':
        send(actor, nodeKey(effect.record.name), effect.record, effect.revision);
        break;
      case 'write-job':
        send(actor, jobKey(effect.record.name), effect.record, effect.revision);
        break;
      case 'lease':
        extend(actor.guard, effect.incarnation, effect.until);
        if (actor.process && rules.verdict(actor.guard, actor.process.incarnation, now) === 'end') kill(actor);
        break;
      default:
        actor.outbox.push(effect);
    }
  }
  leave(world, i);
}

/** At most two writes of a key are on their way: an older one is lost. */
function send(actor: Actor, key: string, record: AnyRecord, revision: number): void {
  const same = actor.requests.filter((request) => request.key === key);
  if (same.length > 1) actor.requests.splice(actor.requests.indexOf(same[0]!), 1);
  actor.requests.push({ key, record, revision });
}

function kill(actor: Actor): void {
  const { process } = actor;
  if (process === undefined) return;
  actor.process = undefined;
  actor.inbox.push({ kind: 'ended', job: JOB, fence: process.fence, end: null });
}

export function carryOut(world: World, i: 0 | 1, rules: Rules): void {
  const actor = world.actors[i];
  const effect = actor.outbox.shift()!;
  switch (effect.do) {
    case 'start':
    case 'begin': {
      const { job, incarnation } = effect;
      const { held } = actor;
      let progress = Number(job.snapshot?.reference ?? 0);
      if (effect.do === 'begin') {
        actor.held = undefined;
        if (held?.id !== effect.id) {
          actor.inbox.push({ kind: 'ended', job: JOB, fence: job.fence, end: null });
          return;
        }
        progress = held.progress;
      }
      if (actor.process !== undefined) throw new Violation('a node has started the program twice');
      if (progress < Number(job.snapshot?.reference ?? 0)) throw new Violation('it begins before its snapshot');
      actor.process = { fence: job.fence, incarnation, progress, parked: false };
      if (rules.verdict(actor.guard, incarnation, world.clocks[i]) === 'end') kill(actor);
      else actor.inbox.push({ kind: 'running', job: JOB, fence: job.fence });
      return;
    }
    case 'end':
      if (actor.process?.fence === effect.fence) kill(actor);
      else actor.inbox.push({ kind: 'ended', job: JOB, fence: effect.fence, end: null });
      return;
    case 'commit':
      kill(actor);
      return;
    case 'resume':
      if (actor.process) actor.process.parked = false;
      return;
    case 'refuse':
      if (actor.held?.id === effect.id) actor.held = undefined;
      return;
    case 'send': {
      const { to, id } = effect.move;
      const { process } = actor;
      if (process?.fence !== effect.job.fence) return;
      if (to === null) {
        process.parked = true; // for anyone: by a snapshot
        actor.inbox.push({ kind: 'parked', job: JOB, id, snapshot: save(world, process), note: null });
        return;
      }
      world.transfer = {
        id,
        from: i,
        to: NAMES.indexOf(to.node as 'a'),
        fence: process.fence,
        incarnation: to.incarnation,
        state: 'sending',
      };
    }
  }
}

/** A write reaches the server. */
export function arrive(world: World, i: 0 | 1, at: number, rules: Rules, repeats: boolean): void {
  const { requests } = world.actors[i];
  const request = requests[at]!;
  if (repeats) {
    world.budget.copies--;
    requests[at] = { ...request, isCopy: true };
  } else {
    requests.splice(at, 1);
  }
  const latest = world.store[request.key]?.revision ?? 0;
  if (rules.compares && request.revision !== latest) return;
  put(world, request.key, request.record);
}

export function put(world: World, key: string, record: AnyRecord): void {
  const before = world.store[key];
  if (key === jobKey(JOB) && before !== undefined) checkChange(before.record as JobRecord, record as JobRecord);
  else if (before !== undefined) checkNode(before.record as NodeRecord, record as NodeRecord);
  world.store[key] = { record, revision: (before?.revision ?? 0) + 1 };
}

/** As long as a life lasts, a drain does; and a life that is over does not begin again. */
function checkNode(before: NodeRecord, after: NodeRecord): void {
  if (after.incarnation < before.incarnation) throw new Violation('an incarnation has become smaller');
  if (after.incarnation > before.incarnation) return;
  if (before.draining && !after.draining) throw new Violation('a drain was forgotten');
  if (before.fenced && !after.fenced) throw new Violation('a life that was over goes on');
}

function checkChange(before: JobRecord, after: JobRecord): void {
  if (after.fence < before.fence) throw new Violation('a fence number has become smaller');
  const isOther = after.holder !== null && JSON.stringify(after.holder) !== JSON.stringify(before.holder);
  if (isOther && after.fence === before.fence) throw new Violation('a holder has the fence number of another one');
  if (Number(after.snapshot?.reference ?? 0) < Number(before.snapshot?.reference ?? 0)) {
    throw new Violation('an acknowledged snapshot was lost');
  }
  if (before.end !== null && after.end === null) throw new Violation('a job that was over has begun again');
}

/** Whether there is something of a key that a node has not seen. */
export function sees(world: World, i: 0 | 1, key: string): boolean {
  const { node } = world.actors[i];
  const known = node?.nodes[key.slice('node.'.length)] ?? node?.jobs[key.slice('job.'.length)];
  return world.store[key]!.revision > (known?.revision ?? 0);
}

export function tell(world: World, i: 0 | 1, key: string, rules: Rules): void {
  const { record, revision } = world.store[key]!;
  if (!('session' in record)) removeOld(world, i, record, rules);
  happen(world, i, 'session' in record ? { kind: 'node', record, revision } : { kind: 'job', record, revision }, rules);
}

/** As in src/api/node-runner.ts. */
function removeOld(world: World, i: 0 | 1, { holder, snapshot, fence, end }: JobRecord, { old }: Rules): void {
  if (holder?.node !== NAMES[i] || snapshot?.fence !== fence || end !== null) return;
  const gone = old(world.snapshots, Number(snapshot.reference));
  world.snapshots = world.snapshots.filter((one) => !gone.includes(one));
}

export function save(world: World, process: Process): DurableSnapshot {
  const progress = ++process.progress;
  world.snapshots = [...world.snapshots.filter((one) => one !== progress), progress];
  return { reference: String(progress), fence: process.fence };
}

export function capture(world: World, i: 0 | 1): void {
  world.budget.captures--;
  const { process, inbox } = world.actors[i];
  const snapshot = save(world, process!);
  inbox.push({ kind: 'captured', job: JOB, fence: process!.fence, snapshot });
}

export function exit(world: World, i: 0 | 1): void {
  world.budget.exits--;
  const actor = world.actors[i];
  const { fence } = actor.process!;
  actor.process = undefined;
  actor.inbox.push({ kind: 'ended', job: JOB, fence, end: { code: 0, signal: null, problem: null } });
}

/** @throws Violation */
export function check(world: World, rules: Rules): void {
  const { snapshot, end } = world.store[jobKey(JOB)]!.record as JobRecord;
  if (end === null && snapshot !== null && !world.snapshots.includes(Number(snapshot.reference)))
    throw new Violation('the snapshot in the record was removed');
  if (isRunning(world, 0, rules) && isRunning(world, 1, rules)) throw new Violation('the job runs twice');
  const job = world.store[jobKey(JOB)]!.record as JobRecord;
  for (const i of [0, 1]) {
    const { process } = world.actors[i]!;
    if (process === undefined || process.fence !== job.fence || !isRunning(world, i, rules)) continue;
    if (process.progress < Number(job.snapshot?.reference ?? 0))
      throw new Violation('it runs from before its snapshot');
  }
}
