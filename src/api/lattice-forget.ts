/** Removes what is known of nodes that have gone, and of jobs that have ended. */

import { InputError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { JobRecord } from '../lattice/records.js';
import type { LatticeServer } from '../lattice/server.js';
import { busy, noJob, noNode } from './lattice-problems.js';

/** @throws InputError for one that lives, or has jobs */
export async function forgetNode(server: LatticeServer, name: string): Promise<void> {
  const { nodes, jobs, silence } = await server.readAll();
  const found = await server.readNode(name);
  if (found === undefined) throw noNode(name, nodes);
  const { fenced, lease } = found.record;
  // others may still be about to give it a job, for as long as their own leases last
  if (!fenced || (silence.get(name) ?? 0) < 2 * lease) {
    throw new InputError(
      'node-alive',
      `the node ${quoted(name)} has not gone, or not for long: end it, and try again after ${(2 * lease) / 1000} s`,
    );
  }
  const held = jobs.filter(({ holder, end }) => holder?.node === name && end === null);
  if (held.length > 0) {
    throw new InputError('has-jobs', `the node ${quoted(name)} has jobs that no other node can run:`, [
      ...held.map((job) => `  ${job.name}`),
    ]);
  }
  if (!(await server.removeNode(name, found.revision))) throw busy(name);
}

/** A job and its replicas. @returns their names. @throws InputError 'no-job', 'job-alive': then nothing is removed */
export async function forgetJob(server: LatticeServer, name: string): Promise<string[]> {
  const { jobs } = await server.readAll();
  const found = jobs.filter((job) => job.name === name || job.group === name);
  if (found.length === 0) throw noJob(name);
  for (const job of found) refuseAlive(job);
  for (const job of found) if (!(await removeEnded(server, job.name))) throw busy(job.name);
  return found.map((job) => job.name);
}

/** Those that have ended so many milliseconds ago, by the clock of NATS. @returns their names */
export async function forgetEnded(server: LatticeServer, age: number): Promise<string[]> {
  const { jobs, ages } = await server.readAll();
  const removed: string[] = [];
  for (const { name, end } of jobs) {
    if (end === null || (ages.get(name) ?? 0) < age) continue;
    if (await removeEnded(server, name)) removed.push(name);
  }
  return removed;
}

/**
 * What it has printed goes first: if that is as far as it comes, the job is still listed. Pieces that a new job of this
 * name prints meanwhile stay. @returns false when it has begun again meanwhile
 */
function removeEnded(server: LatticeServer, name: string): Promise<boolean> {
  return server.ask(async () => {
    const last = await server.lastPiece(name);
    const found = await server.readJob(name);
    if (found === undefined) return true;
    if (found.record.end === null) return false;
    await server.removeLog(name, last);
    return server.removeJob(name, found.revision);
  });
}

function refuseAlive({ name, end, desired }: JobRecord): void {
  if (end !== null) return;
  const what =
    desired === 'stop'
      ? 'is being stopped: try again once it has ended'
      : `has not ended: wag-snap stop ${name} ends it first`;
  throw new InputError('job-alive', `the job ${quoted(name)} ${what}`);
}
