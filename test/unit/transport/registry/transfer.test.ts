/** Blobs to and from a registry that does everything wrong once: each answer lost, each body cut, other bytes. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RegistryClient, type RegistrySettings } from '../../../../src/transport/registry/client.js';
import { Download } from '../../../../src/transport/registry/download.js';
import { parseRegistryReference } from '../../../../src/transport/registry/reference.js';
import { Upload } from '../../../../src/transport/registry/upload.js';
import { digestOf, FakeRegistry, type Fault } from '../../../support/fake-registry.js';

let registry: FakeRegistry;
let folder: string;
let clients: RegistryClient[] = [];

beforeEach(async () => {
  registry = await FakeRegistry.start();
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-transfer-'));
});
afterEach(async () => {
  for (const client of clients) client.close();
  clients = [];
  await registry.stop();
  rmSync(folder, { recursive: true });
});

function open(settings: Partial<RegistrySettings> = {}, repository = 'team/job'): RegistryClient {
  const client = new RegistryClient(parseRegistryReference(`oci://${registry.host}/${repository}`), {
    access: 'push',
    plainHttp: true,
    pause: async () => {},
    credential: async () => undefined,
    ...settings,
  });
  clients.push(client);
  return client;
}

/** Bytes with holes of zeros, as snapshots have. */
function someBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at++) if ((at >> 13) % 3 !== 1) bytes[at] = (at * 2654435761) >>> 24;
  return bytes;
}
const BYTES = someBytes(300_000);
const blob = { digest: digestOf(BYTES), size: BYTES.length };
const local = { ...blob, read: (start: number, end: number) => Readable.from([BYTES.subarray(start, end)]) };
const pathOf = () => join(folder, 'blob');

const sendIt = (client = open()) => new Upload(client, local).run();
/** Cuts answers that stand still, once what they have sent has come. */
const fetchIt = (client = open(), held = -1) =>
  new Download(client, blob, pathOf(), (bytes) => bytes === held && registry.cutHeld()).run();

/** A fault at one request, by its number. */
const once = (at: number, fault: Fault) => (_: unknown, number: number) => (number === at ? fault : undefined);

test('a blob is sent once', async () => {
  expect(await sendIt()).toBe('sent');
  expect(registry.asked.map(({ method }) => method)).toEqual(['HEAD', 'POST', 'PATCH', 'PUT']);
  expect(registry.blobs.get(blob.digest)?.equals(BYTES)).toBe(true);
  expect(await sendIt()).toBe('present');
  expect(registry.received).toBe(BYTES.length);
});

test('a blob of another repository is not sent', async () => {
  registry.put('team/other', BYTES);
  expect(await new Upload(open(), local, 'team/other').run()).toBe('mounted');
  expect(registry.received).toBe(0);
  expect(registry.owners.get(blob.digest)?.has('team/job')).toBe(true);
});

test.each([400, 401, 403, 404])('a registry that answers a mount with %i gets the blob', async (status) => {
  registry.put('team/other', BYTES);
  registry.fault = ({ url }) => (url.includes('mount=') ? { kind: 'answer', status } : undefined);
  expect(await new Upload(open(), local, 'team/other').run()).toBe('sent');
  expect(registry.received).toBe(BYTES.length);
});

test('a mount whose answer is lost is asked for again', async () => {
  registry.put('team/other', BYTES);
  registry.fault = once(1, { kind: 'lost' });
  expect(await new Upload(open(), local, 'team/other').run()).toBe('mounted');
  expect(registry.received).toBe(0);
});

test.each([0, 1, 2, 3])('request %i of an upload may fail in any way once', async (number) => {
  const faults: Fault[] = [
    { kind: 'lost' },
    { kind: 'cut', after: 0 },
    { kind: 'cut', after: 100_000 },
    { kind: 'answer', status: 429, headers: { 'retry-after': '1' } },
    { kind: 'answer', status: 500 },
    { kind: 'answer', status: 503, body: 'sorry' },
  ];
  for (const fault of faults) {
    registry.blobs.clear();
    registry.owners.clear();
    registry.asked.length = 0;
    registry.fault = once(number, fault);
    expect(await sendIt(), JSON.stringify(fault)).toBe('sent');
    expect(registry.blobs.get(blob.digest)?.equals(BYTES)).toBe(true);
  }
});

test('an upload that was cut goes on from what has arrived', async () => {
  registry.fault = once(2, { kind: 'cut', after: 200_000 });
  expect(await sendIt()).toBe('sent');
  expect(registry.received).toBe(BYTES.length);
});

test('a registry that has forgotten an upload gets it again; one that never takes it is told about', async () => {
  registry.fault = once(2, { kind: 'answer', status: 404 });
  expect(await sendIt()).toBe('sent');
  registry.blobs.clear();
  registry.owners.clear();
  registry.fault = ({ method }) => (method === 'PATCH' ? { kind: 'answer', status: 404 } : undefined);
  await expect(sendIt()).rejects.toMatchObject({ code: 'registry-link', exitCode: 1 });
});

test('what arrives as other bytes is sent once more', async () => {
  let damaged = 0;
  const wrong = { kind: 'answer', status: 400, body: '{"errors":[{"code":"DIGEST_INVALID"}]}' } as const;
  registry.fault = ({ method }) => (method === 'PUT' && damaged++ < 1 ? wrong : undefined);
  expect(await sendIt()).toBe('sent');
  registry.blobs.clear();
  registry.owners.clear();
  registry.fault = ({ method }) => (method === 'PUT' ? wrong : undefined);
  await expect(sendIt()).rejects.toMatchObject({
    code: 'registry-answer',
    message: expect.stringContaining('DIGEST_INVALID'),
  });
});

test('a registry that takes smaller bodies only gets those', async () => {
  const big = Buffer.alloc(9 << 20, 3);
  const bigBlob = {
    digest: digestOf(big),
    size: big.length,
    read: (start: number, end: number) => Readable.from([big.subarray(start, end)]),
  };
  let refused = 0;
  registry.fault = ({ method }) => (method === 'PATCH' && refused++ < 3 ? { kind: 'answer', status: 413 } : undefined);
  expect(await new Upload(open(), bigBlob).run()).toBe('sent');
  expect(registry.asked.filter(({ method }) => method === 'PATCH').length).toBe(3 + 9);
});

test.each([1, 60_000, 299_999])('a download that is cut after %i bytes goes on from there', async (after) => {
  registry.put('team/job', BYTES);
  registry.fault = once(0, { kind: 'hold', after });
  await fetchIt(open(), after);
  expect(readFileSync(pathOf()).equals(BYTES)).toBe(true);
  expect(registry.asked.map(({ range }) => range)).toEqual([undefined, `bytes=${after}-`]);
  expect(registry.sent).toBe(BYTES.length);
});

test('a registry without ranges sends all of it again', async () => {
  registry.put('team/job', BYTES);
  registry.ranges = false;
  registry.fault = once(0, { kind: 'hold', after: 1000 });
  await fetchIt(open(), 1000);
  expect(readFileSync(pathOf()).equals(BYTES)).toBe(true);
});

test('a download goes on with what an earlier command has left, if it is right', async () => {
  registry.put('team/job', BYTES);
  writeFileSync(pathOf(), BYTES.subarray(0, 123_456));
  await fetchIt();
  expect(readFileSync(pathOf()).equals(BYTES)).toBe(true);
  expect(registry.sent).toBe(BYTES.length - 123_456);
  for (const left of [Buffer.alloc(123_456, 1), Buffer.alloc(BYTES.length, 1), Buffer.alloc(BYTES.length + 1, 1)]) {
    writeFileSync(pathOf(), left);
    await fetchIt();
    expect(readFileSync(pathOf()).equals(BYTES)).toBe(true);
  }
});

const hostile: [string, Fault][] = [
  ['other bytes', { kind: 'answer', status: 200, body: Buffer.alloc(BYTES.length, 7) }],
  ['too many bytes', { kind: 'answer', status: 200, body: Buffer.concat([BYTES, Buffer.alloc(1)]) }],
  [
    'too few bytes',
    { kind: 'answer', status: 200, headers: { 'content-length': String(BYTES.length - 1) }, body: BYTES.subarray(1) },
  ],
  [
    'an endless body',
    { kind: 'answer', status: 200, headers: { 'transfer-encoding': 'chunked' }, body: Buffer.alloc(1 << 22) },
  ],
];
test.each(hostile)('%s for a blob: an error that says so, and no file', async (_, fault) => {
  registry.put('team/job', BYTES);
  registry.fault = () => fault;
  await expect(fetchIt()).rejects.toMatchObject({
    code: 'registry',
    exitCode: 3,
    message: expect.stringContaining(`oci://${registry.host}/team/job: blob sha256:`),
  });
  expect(() => readFileSync(pathOf())).toThrow('ENOENT');
});

test('another range than was asked for is refused', async () => {
  registry.put('team/job', BYTES);
  registry.fault = (_, number) =>
    number === 0
      ? { kind: 'hold', after: 1000 }
      : {
          kind: 'answer',
          status: 206,
          headers: { 'content-range': `bytes 0-${BYTES.length - 1}/${BYTES.length}` },
          body: BYTES,
        };
  await expect(fetchIt(open(), 1000)).rejects.toMatchObject({ code: 'registry', exitCode: 3 });
});

test.each([
  [401, 'registry-denied'],
  [403, 'registry-denied'],
  [404, 'registry-answer'],
  [418, 'registry-answer'],
])('%i is told at once', async (status, code) => {
  registry.fault = () => ({ kind: 'answer', status, body: '{"errors":[{"code":"NO","message":"\\u001b[31mred"}]}' });
  const error = await fetchIt().catch((one) => one);
  expect(error).toMatchObject({ code, exitCode: 1 });
  expect(error.message).not.toContain('\x1b');
  expect(registry.asked.length).toBe(1);
});

test('what fails again and again ends, and says why', async () => {
  registry.fault = () => ({ kind: 'answer', status: 503 });
  await expect(fetchIt()).rejects.toMatchObject({ code: 'registry-answer', message: expect.stringContaining('503') });
  expect(registry.asked.length).toBe(7);
});

test.each([
  ['1', 1000],
  ['0', 0],
  ['999999', 120_000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['Fri, 31 Dec 9999 23:59:59 GMT', 120_000],
])('a registry that wants to be asked after %s is, but after two minutes at the latest', async (after, expected) => {
  for (const status of [429, 503]) {
    registry.asked.length = 0;
    const pauses: number[] = [];
    registry.fault = once(0, { kind: 'answer', status, headers: { 'retry-after': after } });
    registry.put('team/job', BYTES);
    await fetchIt(open({ pause: async (time) => void pauses.push(time) }));
    expect(pauses).toEqual([expected]);
    rmSync(pathOf());
  }
});

test('what a registry says of the time that is none is left out of account', async () => {
  registry.put('team/job', BYTES);
  for (const after of ['', 'soon', '-1', '1e9', 'NaN']) {
    registry.asked.length = 0;
    const pauses: number[] = [];
    registry.fault = once(0, { kind: 'answer', status: 429, headers: { 'retry-after': after } });
    await fetchIt(open({ pause: async (time) => void pauses.push(time) }));
    expect(pauses.length, after).toBe(1);
    expect(pauses[0], after).toBeGreaterThanOrEqual(0);
    expect(pauses[0], after).toBeLessThanOrEqual(120_000);
    rmSync(pathOf());
  }
});

test('a host that has never answered is not tried again; one that has, is', async () => {
  const { host } = registry;
  const pauses: number[] = [];
  const another = () => open({ pause: async (time) => void pauses.push(time) });
  registry.put('team/job', BYTES);
  const [client, late] = [another(), another()];
  await fetchIt(client);
  rmSync(pathOf());
  await registry.stop();
  await expect(fetchIt(late)).rejects.toMatchObject({
    code: 'registry-unreached',
    exitCode: 1,
    message: expect.stringContaining(`${host}: nothing listens there`),
  });
  expect(pauses).toEqual([]);
  await expect(fetchIt(client)).rejects.toMatchObject({ code: 'registry-link' });
  expect(pauses.length).toBe(6);
  registry = await FakeRegistry.start();
});

test('a body that stands still is given up', async () => {
  registry.put('team/job', BYTES);
  let silent = 0;
  registry.fault = () => (silent++ === 0 ? { kind: 'hold', after: 10 } : undefined);
  await fetchIt(open({ idle: 200 }));
  expect(readFileSync(pathOf()).equals(BYTES)).toBe(true);
});

test('giving up ends it at once, and keeps what has come', async () => {
  registry.put('team/job', BYTES);
  const controller = new AbortController();
  const client = open({ signal: controller.signal });
  registry.fault = () => ({ kind: 'hold', after: 100_000 });
  const download = new Download(client, blob, pathOf(), (bytes) => {
    if (bytes >= 100_000) controller.abort();
  });
  await expect(download.run()).rejects.toThrow();
  expect(readFileSync(pathOf()).equals(BYTES.subarray(0, 100_000))).toBe(true);
});
