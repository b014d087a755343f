/** What users say of a job or a node is refused when no record could hold it; what is accepted can be read. */

import { expect, test } from 'vitest';
import { UsageError } from '../../../src/base/errors.js';
import { checkOffer, checkSpec, decodeRecord, encodeRecord } from '../../../src/lattice/record-format.js';
import {
  type JobRecord,
  type JobSpec,
  type NodeOffer,
  type NodeRecord,
  withHistory,
} from '../../../src/lattice/records.js';
import { spec } from '../../support/job-spec.js';

const job: JobRecord = {
  ...{ name: 'job', group: 'job', spec, desired: 'run', fence: 0, begun: 0, holder: null, to: null, arrival: null },
  ...{ snapshot: null, uncaptured: null, end: null, restarts: 0, history: [] },
};
const offer: NodeOffer = { arch: ['x64'], cpus: 1, memory: 1, labels: {}, store: false, dirs: [], listen: {} };
const life = { incarnation: 1, session: 's', renewal: 1, lease: 1000, fenced: false };
const node: NodeRecord = { name: 'n', ...life, cordoned: false, draining: false, offer, receiver: null };

const text = (length: number) => 'x'.repeat(length);
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

/** The largest that is accepted, one that is not, and what is said of it. */
const specS: readonly [Partial<JobSpec>, Partial<JobSpec>, string][] = [
  [{ labels: { k: text(4096) } }, { labels: { k: text(4097) } }, '--label: more than 4096 characters'],
  [{ labels: { [text(256)]: '' } }, { labels: { [text(257)]: '' } }, '--label: more than 256 characters'],
  [{ args: many(4096, '') }, { args: many(4097, '') }, 'the arguments: more than 4096 of them'],
  [{ args: [text(131_072)] }, { args: [text(131_073)] }, 'the arguments: more than 131072 characters'],
  [{ env: { k: text(131_072) } }, { env: { k: text(131_073) } }, '--env: more than 131072 characters'],
  [
    { dirs: [{ name: text(4096), guest: text(4096) }] },
    { dirs: [{ name: 'data', guest: text(4097) }] },
    '--dir: more than 4096 characters',
  ],
  [
    { dirs: many(256, { name: 'd', guest: 'd' }) },
    { dirs: many(257, { name: 'd', guest: 'd' }) },
    '--dir: more than 256 of them',
  ],
  [{ listen: ['web', 'admin'] }, { listen: ['web', 'admin', 'web'] }, '--listen "web": a job has an address once only'],
  [{ snapshotEvery: 2 ** 31 - 1 }, { snapshotEvery: 2 ** 31 }, '--snapshot-every: more than 2147483647'],
  [{ memory: 2 ** 53 - 1 }, { memory: 2 ** 53 }, '--memory: '],
  [{ args: many(4, text(131_000)) }, { args: many(5, text(131_000)) }, 'the arguments, variables and labels have 655'],
];

const OFFERS: readonly [Partial<NodeOffer>, Partial<NodeOffer>, string][] = [
  [{ labels: { k: text(4096) } }, { labels: { k: text(4097) } }, '--label: more than 4096 characters'],
  [{ labels: { [text(256)]: '' } }, { labels: { [text(257)]: '' } }, '--label: more than 256 characters'],
  [{ dirs: many(256, 'd') }, { dirs: many(257, 'd') }, '--dir: more than 256 of them'],
  [{ dirs: [text(4096)] }, { dirs: [text(4097)] }, '--dir: more than 4096 characters'],
  [{ cpus: 65_536 }, { cpus: 65_537 }, '--cpus: more than 65536'],
];

test.each(specS)('a job %#', (largest, tooLarge, said) => {
  checkSpec({ ...spec, ...largest });
  const record = { ...job, spec: { ...spec, ...largest } };
  expect(decodeRecord('job.job', encodeRecord(record))).toEqual({ job: record });
  const refused = () => checkSpec({ ...spec, ...tooLarge });
  expect(refused).toThrow(UsageError);
  expect(refused).toThrow(said);
});

test.each(OFFERS)('a node %#', (largest, tooLarge, said) => {
  checkOffer({ ...offer, ...largest });
  const record = { ...node, offer: { ...offer, ...largest } };
  expect(decodeRecord('node.n', encodeRecord(record))).toEqual({ node: record });
  const refused = () => checkOffer({ ...offer, ...tooLarge });
  expect(refused).toThrow(UsageError);
  expect(refused).toThrow(said);
  expect(() => encodeRecord({ ...node, offer: { ...offer, ...tooLarge } })).toThrow('the record of n: ');
});

test('a note of any length is cut, so that the record can be read', () => {
  const history = withHistory(job, { what: 'not-moved', node: 'a', note: text(10_000) });
  const record = { ...job, history };
  expect(decodeRecord('job.job', encodeRecord(record))).toEqual({ job: record });
  expect(history[0]?.note).toBe(text(2000));
});
