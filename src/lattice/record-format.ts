/**
 * Records as bytes. Whoever may write to the bucket may write anything, so each record is checked when it is read; and
 * when it is written, because nobody could read another one.
 */

import * as z from 'zod';
import { BugError, UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { HAPPENINGS, type JobRecord, type JobSpec, type NodeOffer, type NodeRecord } from './records.js';

/** Names of nodes, which may be those of hosts. */
const NODE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** Names of jobs: also names of workloads and of snapshots in a store. */
const JOB = /^[A-Za-z][A-Za-z0-9_-]{0,55}$/;
export const JOB_RULE = "a letter, then letters, digits, '_' and '-', 56 characters at most";
export const NODE_RULE = "a letter or digit, then letters, digits, '.', '_' and '-', 63 characters at most";

export const isJobName = (text: string) => JOB.test(text);
export const isNodeName = (text: string) => NODE.test(text);

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const text = z.string().max(4096);
const words = z.record(z.string().max(256), text);
const nodeName = z.string().regex(NODE);
const jobName = z.string().regex(JOB);

const offer: z.ZodType<NodeOffer> = z.object({
  arch: z.array(z.string().max(16)).max(8),
  cpus: z.number().min(0).max(65_536),
  memory: count,
  labels: words,
  store: z.boolean().default(false),
  dirs: z.array(text).max(256),
  listen: words.default({}),
});

const nodeRecord: z.ZodType<NodeRecord> = z.object({
  name: nodeName,
  incarnation: count,
  session: z.string().min(1).max(64),
  renewal: count,
  lease: z.number().min(100).max(3_600_000),
  fenced: z.boolean(),
  cordoned: z.boolean(),
  draining: z.boolean(),
  offer,
  receiver: z.object({ address: text, key: text }).nullable(),
});

const end = z.object({ code: z.number().int().nullable(), signal: text.nullable(), problem: text.nullable() });
const what = z.enum(HAPPENINGS);

const spec: z.ZodType<JobSpec> = z.object({
  module: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  args: z.array(z.string().max(131_072)).max(4096),
  env: z.record(z.string(), z.string().max(131_072)),
  arch: z.enum(['x64', 'arm64']).nullable(),
  labels: words,
  memory: count.nullable(),
  dirs: z.array(z.object({ name: text, guest: text })).max(256),
  listen: z.array(text).max(256).default([]),
  snapshotEvery: z
    .number()
    .min(1)
    .max(2 ** 31 - 1)
    .nullable(),
  restart: z.enum(['never', 'on-failure', 'always']),
});

const jobRecord: z.ZodType<JobRecord> = z.object({
  name: jobName,
  group: jobName,
  spec,
  desired: z.enum(['run', 'stop']),
  fence: count,
  begun: count.default(0),
  holder: z.object({ node: nodeName, incarnation: count }).nullable(),
  to: nodeName.nullable(),
  arrival: z.string().max(128).nullable(),
  snapshot: z.object({ reference: z.string().max(256), fence: count }).nullable(),
  uncaptured: text.nullable().default(null),
  end: end.nullable(),
  restarts: count,
  history: z
    .array(z.object({ fence: count, what, node: nodeName.nullable(), note: text.nullable(), at: z.number() }))
    .max(64),
});

/** Bytes of a job's `spec`: its record, with the history, has to be a message of NATS (1 MiB, if it is not told else). */
const SPEC_MAX = 512 * 1024;

/** What users say of a job or a node, by the option that says it. */
const OPTIONS: Readonly<Record<string, string>> = {
  ...{ args: 'the arguments', env: '--env', labels: '--label', memory: '--memory', dirs: '--dir', listen: '--listen' },
  ...{ snapshotEvery: '--snapshot-every', cpus: '--cpus', arch: '--arch' },
};

/** @throws UsageError when no record could hold it */
export function checkSpec(wanted: JobSpec): void {
  check(spec, wanted);
  const twice = wanted.listen.find((name, i) => wanted.listen.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`--listen ${quoted(twice)}: a job has an address once only`);
  const bytes = Buffer.byteLength(JSON.stringify(wanted));
  if (bytes <= SPEC_MAX) return;
  throw new UsageError(`the arguments, variables and labels have ${bytes} bytes, a job may have ${SPEC_MAX}`);
}

/** @throws UsageError when no record could hold it */
export function checkOffer(given: NodeOffer): void {
  check(offer, given);
}

function check(schema: z.ZodType, value: unknown): void {
  const found = schema.safeParse(value).error?.issues[0];
  if (found === undefined) return;
  const [field = ''] = found.path;
  throw new UsageError(`${OPTIONS[String(field)] ?? String(field)}: ${reasonOf(found)}`);
}

function reasonOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key' && issue.issues[0] !== undefined) return reasonOf(issue.issues[0]);
  if (issue.code !== 'too_big') return issue.message;
  const { origin, maximum } = issue;
  if (origin === 'string') return `more than ${maximum} characters`;
  return origin === 'array' ? `more than ${maximum} of them` : `more than ${maximum}`;
}

/** @throws BugError for one that nobody could read */
export function encodeRecord(record: NodeRecord | JobRecord): Uint8Array {
  const { error } = ('session' in record ? nodeRecord : jobRecord).safeParse(record);
  if (error !== undefined) throw new BugError(`the record of ${record.name}: ${error.message}`);
  return new TextEncoder().encode(JSON.stringify(record));
}

/** @returns undefined when it is no record of this key */
export function decodeRecord(key: string, bytes: Uint8Array): { node: NodeRecord } | { job: JobRecord } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (key.startsWith('node.')) {
    const { data } = nodeRecord.safeParse(value);
    return data?.name === key.slice('node.'.length) ? { node: data } : undefined;
  }
  const { data } = jobRecord.safeParse(value);
  return data !== undefined && key === `job.${data.name}` ? { job: data } : undefined;
}
