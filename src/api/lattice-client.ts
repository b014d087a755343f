/** What a user of the lattice can do (lattice.ts), with NATS. */

import { basename } from 'node:path';
import { InputError, ToolError, UsageError, WagSnapError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { Holdings } from '../lattice/holdings.js';
import { stopped } from '../lattice/jobs.js';
import { problemsOf } from '../lattice/placement.js';
import { checkSpec, isJobName, JOB_RULE } from '../lattice/record-format.js';
import { type JobRecord, type JobSpec, type NodeRecord, withHistory } from '../lattice/records.js';
import { type AllRecords, digestOf, type LatticeServer } from '../lattice/server.js';
import type { LogPiece } from '../lattice/server-options.js';
import { forgetEnded, forgetJob, forgetNode } from './lattice-forget.js';
import type { JobEntry, Lattice, LogOptions, NodeEntry, SubmitOptions } from './lattice-options.js';
import { busy, noJob, noNode } from './lattice-problems.js';
import { endText, jobEntries, jobEntry, nodeEntries, withGone } from './lattice-view.js';

/** How often a write is tried again when somebody else has changed the record. */
const TRIES = 20;
/** Records that are written at the same time. */
const AT_ONCE = 16;

/** A job's record that was written. */
interface Created {
  readonly name: string;
  /** The one of an earlier job of this name. */
  readonly before: JobRecord | undefined;
  readonly revision: number;
}

/** What was sent of a job while nobody has said whether it was written. */
interface Sent {
  readonly records: JobRecord[];
  before: JobRecord | undefined;
}

export class LatticeClient implements Lattice {
  constructor(private readonly server: LatticeServer) {}

  /**
   * Submits a module, which nodes run from then on.
   *
   * @param module its path, or its bytes @returns the names of the jobs
   * @throws ModuleError for what is no valid module; InputError when there is such a job
   */
  async submit(module: string | Uint8Array, options: SubmitOptions = {}): Promise<string[]> {
    const { replicas = 1 } = options;
    if (!(Number.isInteger(replicas) && replicas >= 1 && replicas <= 1000)) {
      throw new UsageError(`--replicas ${replicas}: expected a number from 1 to 1000`);
    }
    const group = options.name ?? (typeof module === 'string' ? nameOfModule(module) : 'job');
    if (!isJobName(group)) throw new UsageError(`--name ${quoted(group)}: a name of a job is ${JOB_RULE}`);
    const { bytes, memory: least } = await checkedModule(module);
    if (options.memory !== undefined && options.memory < least) {
      throw new UsageError(`--memory ${options.memory}: the program begins with ${least} bytes of memory`);
    }
    const spec: JobSpec = {
      module: digestOf(bytes),
      args: options.args ?? [],
      env: options.env ?? {},
      arch: options.arch ?? null,
      labels: options.labels ?? {},
      memory: options.memory ?? null,
      dirs: options.dirs ?? [],
      listen: options.listen ?? [],
      snapshotEvery: options.snapshotEvery ?? null,
      restart: options.restart ?? 'never',
    };
    checkSpec(spec);
    await this.server.putModule(bytes);
    const names = Array.from({ length: replicas }, (_, i) => replicaName(group, i + 1));
    await this.createAll(names, group, spec);
    return names;
  }

  /** All or, when one cannot be created, none. */
  private async createAll(names: readonly string[], group: string, spec: JobSpec): Promise<void> {
    const created: Created[] = [];
    const rest = [...names];
    const failures: unknown[] = [];
    const some = async () => {
      for (let name = rest.shift(); name !== undefined && failures.length === 0; name = rest.shift()) {
        await this.create(name, group, spec).then(
          (one) => created.push(one),
          (error) => failures.push(error),
        );
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, some));
    if (failures.length === 0) return;
    const left: string[] = [];
    for (const one of created) await this.undo(one).catch(() => left.push(one.name));
    const [failure] = failures;
    if (names.length > 1 && failure instanceof InputError && failure.code === 'job-exists') {
      const all = `wag-snap scale ${group} ${names.length}`;
      failure.add(`if an earlier submission was interrupted: ${all} submits those of its replicas that are missing`);
    }
    if (left.length > 0 && failure instanceof WagSnapError) {
      failure.add(`these jobs are there all the same, and wag-snap stop ends them: ${left.join(', ')}`);
    }
    throw failure;
  }

  /** As before, unless a node has taken it meanwhile: then it is stopped. */
  private async undo({ name, before, revision }: Created): Promise<void> {
    const undone =
      before === undefined
        ? await this.server.removeJob(name, revision)
        : (await this.server.write(before, revision)) !== undefined;
    if (!undone) await this.change(name, (job) => stopped(job, []));
  }

  /** In an election nobody says whether a record was written: then it is looked at again. */
  private async create(name: string, group: string, spec: JobSpec): Promise<Created> {
    if (!isJobName(name)) throw new UsageError(`--name ${quoted(name)}: a name of a job is ${JOB_RULE}`);
    const sent: Sent = { records: [], before: undefined };
    try {
      return await this.server.ask(() => this.createNow(name, group, spec, sent));
    } catch (error) {
      if (sent.records.length > 0 && error instanceof ToolError) {
        error.add(`whether ${quoted(name)} was submitted is not known: wag-snap jobs lists it then`);
      }
      throw error;
    }
  }

  private async createNow(name: string, group: string, spec: JobSpec, sent: Sent): Promise<Created> {
    for (let tries = 0; tries < TRIES; tries++) {
      const { record: before, revision: at } = await this.server.findJob(name);
      if (before !== undefined && sent.records.some((record) => hasBecome(record, before))) {
        return { name, before: sent.before, revision: at };
      }
      if (before !== undefined && before.end === null) {
        const what =
          before.desired === 'stop'
            ? `the job ${quoted(name)} is being stopped: try again once it has ended`
            : `there is a job ${quoted(name)} already: stop it first, or choose another name`;
        throw new InputError('job-exists', what);
      }
      // above that of every run of an earlier job of this name, also of one that was removed
      const fence = before?.fence ?? at;
      const fresh: JobRecord = {
        ...{
          name,
          group,
          spec,
          desired: 'run',
          fence,
          begun: fence,
          holder: null,
          to: null,
          arrival: null,
        },
        ...{ snapshot: null, uncaptured: null, end: null, restarts: 0, history: [] },
      };
      const record = { ...fresh, history: withHistory(fresh, { what: 'submitted', node: null, note: null }) };
      sent.records.push(record);
      sent.before = before;
      const revision = await this.server.write(record, before === undefined ? 0 : at);
      if (revision !== undefined) return { name, before, revision };
      sent.records.pop(); // it was refused
    }
    throw busy(name);
  }

  /** All jobs, by name. Without `all` those are left out that have ended an hour ago. */
  async jobs({ all = false }: { readonly all?: boolean } = {}): Promise<JobEntry[]> {
    return jobEntries(await this.look(), all);
  }

  /** One job, with its history. @throws InputError 'no-job' */
  async job(name: string): Promise<JobEntry> {
    const records = await this.look();
    const found = records.jobs.find((job) => job.name === name);
    if (found === undefined) throw noJob(name);
    return jobEntry(found, records);
  }

  /** All nodes, by name. Without `all` those are left out that have gone for an hour. */
  async nodes({ all = false }: { readonly all?: boolean } = {}): Promise<NodeEntry[]> {
    return nodeEntries(await this.look(), all);
  }

  private async look(): Promise<AllRecords> {
    return withGone(await this.server.readAll());
  }

  /** Stops a job, and its replicas. @returns their names. @throws InputError 'no-job' */
  async stop(name: string): Promise<string[]> {
    const { nodes, jobs } = await this.server.readAll();
    const names = jobs.filter((job) => job.name === name || job.group === name).map((job) => job.name);
    if (names.length === 0) throw noJob(name);
    for (const one of names) await this.change(one, (job) => stopped(job, nodes));
    return names;
  }

  /** Lets a job continue on another node. @throws InputError when it cannot run there, with the reasons */
  async move(name: string, node: string): Promise<void> {
    const { nodes, jobs } = await this.look();
    const to = nodes.find((one) => one.name === node);
    if (to === undefined) throw noNode(node, nodes);
    await this.change(name, (job) => {
      if (job.end !== null) throw new InputError('job-over', `the job ${quoted(name)} is over: ${endText(job)}`);
      const asked = { ...to, cordoned: false };
      const problems = problemsOf(job, asked, new Holdings(jobs).load(node));
      if (problems.length === 0) return { ...job, to: node };
      throw new InputError('not-placeable', `the job ${quoted(name)} cannot run on ${node}:`, problems.map(indented));
    });
  }

  /** It takes no jobs, until it is allowed to again. */
  async cordon(node: string, on = true): Promise<void> {
    await this.changeNode(node, (record) => ({ ...record, cordoned: on, draining: on && record.draining }));
  }

  /** Gives away everything that a node has; it takes no more jobs. */
  async drain(node: string): Promise<void> {
    await this.changeNode(node, (record) => ({ ...record, cordoned: true, draining: true }));
  }

  /** Removes what is known of a node that has gone for good. @throws InputError for one that lives, or has jobs */
  forget(node: string): Promise<void> {
    return forgetNode(this.server, node);
  }

  /** Removes what is known of a job that has ended, and of its replicas. @throws InputError 'no-job', 'job-alive' */
  forgetJob(name: string): Promise<string[]> {
    return forgetJob(this.server, name);
  }

  /** Removes all jobs that have ended so many milliseconds ago. @returns their names */
  forgetEnded(age: number): Promise<string[]> {
    return forgetEnded(this.server, age);
  }

  /** Starts or stops replicas of a job until there are so many. @returns the names of those that run then */
  async scale(name: string, replicas: number): Promise<string[]> {
    if (!(Number.isInteger(replicas) && replicas >= 0 && replicas <= 1000)) {
      throw new UsageError(`${replicas} replicas: expected a number from 0 to 1000`);
    }
    const { nodes, jobs } = await this.server.readAll();
    const all = jobs.filter(({ group }) => group === name);
    const [first] = all;
    if (first === undefined) {
      const replica = jobs.find((job) => job.name === name);
      if (replica === undefined) throw noJob(name);
      throw new UsageError(`${quoted(name)} is a replica: scale ${replica.group}, which it belongs to`);
    }
    const wanted = Array.from({ length: replicas }, (_, i) => replicaName(name, i + 1));
    const isRunning = (one: string) => all.some((job) => job.name === one && job.end === null && job.desired === 'run');
    await this.createAll(
      wanted.filter((one) => !isRunning(one)),
      name,
      first.spec,
    );
    for (const job of all) {
      if (!wanted.includes(job.name)) await this.change(job.name, (now) => stopped(now, nodes));
    }
    return wanted;
  }

  /** What a job has printed. @param follow waits for more, until the signal or the job's end */
  async *logs(name: string, { follow = false, signal }: LogOptions = {}): AsyncGenerator<LogPiece> {
    const found = await this.server.readJob(name);
    if (found === undefined) throw noJob(name);
    const { begun } = found.record;
    const over = new AbortController();
    const timer = follow
      ? setInterval(() => {
          void this.server.readJob(name).then(
            (job) => {
              if (job === undefined || job.record.end !== null || job.record.begun !== begun) over.abort();
            },
            () => {},
          );
        }, 1000)
      : undefined;
    const ends = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
    let seen = 0;
    try {
      for await (const piece of this.server.readLog(name, follow && found.record.end === null, ends)) {
        seen++;
        if (piece.fence > begun) yield piece;
      }
    } finally {
      clearInterval(timer);
    }
    if (!over.signal.aborted || signal?.aborted) return;
    // what came between the last look and the end
    let count = 0;
    for await (const piece of this.server.readLog(name, false)) {
      if (count++ >= seen && piece.fence > begun) yield piece;
    }
  }

  close(): Promise<void> {
    return this.server.close();
  }

  /** @param change may be applied twice: in an election nobody says whether the first one was written */
  private change(name: string, change: (job: JobRecord) => JobRecord): Promise<void> {
    return this.server.ask(() => this.changeNow(name, change));
  }

  private async changeNow(name: string, change: (job: JobRecord) => JobRecord): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const found = await this.server.readJob(name);
      if (found === undefined) throw noJob(name);
      const changed = change(found.record);
      if (changed === found.record || (await this.server.write(changed, found.revision)) !== undefined) return;
    }
    throw busy(name);
  }

  /** @param change may be applied twice */
  private changeNode(name: string, change: (node: NodeRecord) => NodeRecord): Promise<void> {
    return this.server.ask(() => this.changeNodeNow(name, change));
  }

  private async changeNodeNow(name: string, change: (node: NodeRecord) => NodeRecord): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const found = await this.server.readNode(name);
      if (found === undefined) throw noNode(name, (await this.server.readAll()).nodes);
      if ((await this.server.write(change(found.record), found.revision)) !== undefined) return;
    }
    throw busy(name);
  }
}

/** Whether a record is the one that was sent, whatever has become of the job since. */
function hasBecome(sent: JobRecord, record: JobRecord): boolean {
  const own = ({ begun, spec, history }: JobRecord) => JSON.stringify([begun, spec, history[0]]);
  return own(sent) === own(record);
}

const indented = (line: string) => `  ${line}`;

function replicaName(group: string, number: number): string {
  return number === 1 ? group : `${group}-${number}`;
}

function nameOfModule(path: string): string {
  const name = basename(path)
    .replace(/\.(wasm|wat)$/, '')
    .replace(/[^A-Za-z0-9_-]/g, '-');
  return isJobName(name) ? name : 'job';
}

/** @returns with the memory that it begins with, in bytes. @throws ModuleError, InputError, ToolError */
async function checkedModule(module: string | Uint8Array): Promise<{ bytes: Uint8Array; memory: number }> {
  const [{ readContents }, { decodeModule }] = await Promise.all([
    import('./read-program.js'),
    import('../wasm/decode.js'),
  ]);
  const contents = await readContents(module, typeof module === 'string' ? module : 'module');
  const { bytes, file } = contents.module();
  const { memories } = decodeModule(bytes, file);
  const memory = memories.reduce((sum, { min, pageSize }) => sum + min * pageSize, 0);
  return { bytes: contents.bytes, memory };
}
