/**
 * A node's place among the others: it joins, renews its lease, and fences those whose lease has ended.
 *
 * A lease is of the whole node: its record changes with each renewal. A node counts its lease from the moment at which
 * it *sent* the renewal, others from the moment at which they *saw* it, which is later. Who has seen the same record for
 * `margin` leases by the own clock sets `fenced` by a compare-and-swap on exactly that revision: had the node renewed it
 * meanwhile, the write would be refused. A fenced life never runs anything again, so what others know of it cannot be
 * out of date.
 */

import type { Holder, NodeRecord } from './records.js';
import { type Effect, type NodeState, nodeKey } from './state.js';

/** Whether the node may let programs run. */
export function hasLease(node: NodeState, now: number): boolean {
  return node.incarnation !== 0 && now < node.until;
}

/** Whether a life is known to be over, for ever. */
export function isOver(node: NodeState, holder: Holder): boolean {
  const known = node.nodes[holder.node]?.record;
  return known !== undefined && endsLife(known, holder);
}

/** Whether a record of a node says that a life of it is over. */
export function endsLife({ incarnation, fenced }: NodeRecord, life: Holder): boolean {
  return incarnation > life.incarnation || (incarnation === life.incarnation && fenced);
}

/** @returns whether decisions about jobs may depend on it, now: another node that has but renewed changes none */
export function observeNode(
  node: NodeState,
  record: NodeRecord,
  revision: number,
  now: number,
  effects: Effect[],
): boolean {
  const known = node.nodes[record.name];
  if (known !== undefined && revision <= known.revision) return false;
  const isSign =
    known === undefined || known.record.session !== record.session || known.record.renewal !== record.renewal;
  node.nodes[record.name] = { record, revision, since: isSign ? now : known.since };
  settle(node, nodeKey(record.name), revision);
  if (record.name === node.name) {
    observeOwn(node, record, now, effects);
    return true;
  }
  const { incarnation, fenced, cordoned, draining } = known?.record ?? {};
  return (
    record.incarnation !== incarnation ||
    record.fenced !== fenced ||
    record.cordoned !== cordoned ||
    record.draining !== draining
  );
}

/**
 * A record is deleted when its life is over and it has no job. Whoever lives under this name later has a higher
 * incarnation: each is at most the revision that it was written with.
 */
export function forgetNode(node: NodeState, name: string, revision: number): void {
  node.floor = Math.max(node.floor, revision);
  settle(node, nodeKey(name), revision);
  if (revision <= (node.nodes[name]?.revision ?? 0)) return;
  delete node.nodes[name];
  if (name === node.name) endLife(node);
}

function endLife(node: NodeState): void {
  node.incarnation = 0;
  node.until = 0;
  node.ends = {};
}

function observeOwn(node: NodeState, record: NodeRecord, now: number, effects: Effect[]): void {
  const isOwn = record.session === node.session && !record.fenced;
  if (node.incarnation !== 0 && (!isOwn || record.incarnation !== node.incarnation)) {
    endLife(node);
  }
  if (!isOwn) return;
  node.incarnation = record.incarnation;
  const sentAt = node.sent[record.renewal];
  if (sentAt === undefined) return;
  if (!hasLease(node, now)) listenAgain(node, now);
  node.until = Math.max(node.until, sentAt + node.timing.lease * node.timing.early);
  for (const renewal of Object.keys(node.sent)) {
    if (Number(renewal) <= record.renewal) delete node.sent[Number(renewal)];
  }
  effects.push({ do: 'lease', incarnation: node.incarnation, until: node.until });
}

/**
 * While it had no lease it may not have heard of the others: NATS was away, perhaps for all of them. Their silence counts
 * from now on, so they have the time to renew, too.
 */
function listenAgain(node: NodeState, now: number): void {
  for (const [name, known] of Object.entries(node.nodes)) {
    if (name !== node.name) node.nodes[name] = { ...known, since: now };
  }
}

/** A write that expected an earlier revision has been carried out, or never will be. */
export function settle(node: NodeState, key: string, revision: number): void {
  const pending = node.pending[key];
  if (pending !== undefined && pending.revision < revision) delete node.pending[key];
}

export function decideMembership(node: NodeState, now: number, effects: Effect[]): void {
  const own = node.nodes[node.name];
  if (node.pending[nodeKey(node.name)] !== undefined) return;
  if (node.incarnation === 0) join(node, now, effects);
  else if (own !== undefined && mayLeave(node)) writeOwn(node, { ...own.record, fenced: true }, now, effects);
  else if (own !== undefined && now - node.renewedAt >= node.timing.renew) {
    writeOwn(node, { ...own.record, draining: own.record.draining || node.leaving === 'give' }, now, effects);
  }
}

/** Fences those that have been silent for too long. */
export function fenceSilent(node: NodeState, now: number, effects: Effect[]): void {
  if (!hasLease(node, now)) return;
  for (const [name, { record, revision, since }] of Object.entries(node.nodes)) {
    const key = nodeKey(name);
    if (name === node.name || record.fenced || node.pending[key] !== undefined) continue;
    if (now - since < record.lease * node.timing.margin) continue;
    node.pending[key] = { revision, sentAt: now };
    effects.push({ do: 'write-node', record: { ...record, fenced: true }, revision });
  }
}

/** A name that somebody else lives under is free once that life is over, or its lease has ended. */
function join(node: NodeState, now: number, effects: Effect[]): void {
  if (node.leaving) return;
  const own = node.nodes[node.name];
  const { timing } = node;
  if (own === undefined) {
    if (node.isUpToDate) writeOwn(node, undefined, now, effects);
  } else if (own.record.fenced || now - own.since >= own.record.lease * timing.margin) {
    writeOwn(
      node,
      { ...own.record, fenced: false, draining: false, incarnation: own.record.incarnation + 1 },
      now,
      effects,
    );
  }
}

const FIRST = { fenced: false, cordoned: false, draining: false };

function writeOwn(node: NodeState, from: NodeRecord | undefined, now: number, effects: Effect[]): void {
  const { name, session, timing, offer, receiver } = node;
  const renewal = ++node.renewal;
  const record: NodeRecord = {
    ...(from ?? { ...FIRST, incarnation: node.floor + 1 }),
    ...{ name, session, renewal, lease: timing.lease, offer, receiver },
  };
  const revision = node.nodes[name]?.revision ?? 0;
  for (const earlier of Object.keys(node.sent).map(Number)) {
    if (now - node.sent[earlier]! >= timing.lease) delete node.sent[earlier];
  }
  node.sent[renewal] = now;
  node.renewedAt = now;
  node.pending[nodeKey(name)] = { revision, sentAt: now };
  effects.push({ do: 'write-node', record, revision });
}

/** Nothing runs any more, and nothing is held. */
function mayLeave(node: NodeState): boolean {
  if (!node.leaving || Object.keys(node.programs).length > 0) return false;
  if (node.leaving === 'drop') return true;
  return node.holdings.of({ node: node.name, incarnation: node.incarnation }).size === 0;
}
