/**
 * Moves of programs over the network: `keys`, `receive --listen` and `migrate tls://`, each in a process of its own. A
 * peer that the other side does not know gets nothing.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processStatus } from '../../src/capture/process.js';
import { LOOPBACK } from '../support/loopback.js';
import { type Counter, cli, ends, expectWhole, MovingCounters, movedPid } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { walkerProgram } from '../support/walker-program.js';
import { build, canRun, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { env } = counters;

/** Keys of three hosts: the third one knows nobody, and nobody knows it. */
const [here, there, stranger] = ['here', 'there', 'stranger'].map((name) => join(folder, name));
const pins = new Map<string, string>();
const pin = (keys: string) => pins.get(keys)!;

beforeAll(async () => {
  for (const keys of [here, there, stranger]) {
    const { stdout, status } = await counters.wagSnap('keys', '--keys', keys);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}\n$/)]);
    pins.set(keys, stdout.trim());
  }
  writeFileSync(join(here, 'peers'), `# there\n${pin(there)} ${LOOPBACK} elsewhere\n`);
  writeFileSync(join(there, 'peers'), `${pin(here)}\n`);
});

/** A receiver, until the end of the test file. */
interface Listener {
  readonly child: ChildProcess;
  readonly log: Output;
  readonly address: string;
  readonly url: string;
  readonly output: string;
}
const listeners: ChildProcess[] = [];
afterAll(() => {
  for (const child of listeners) child.kill('SIGKILL');
});

async function listen(...options: readonly string[]): Promise<Listener> {
  const output = join(counters.ownFolder(), 'output');
  const args = [cli, 'receive', '--listen', `${LOOPBACK}:0`, '--keys', there, '--output-dir', output, ...options];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  listeners.push(child);
  const log = new Output(child);
  const [, address = ''] = /listening at (\S+);/.exec(await log.says(/listening at .*\n/)) ?? [];
  return { child, log, address, url: `tls://${address}`, output };
}

const migrate = (pid: number, { url }: Listener, ...more: readonly string[]) =>
  counters.moves('migrate', String(pid), url, '--keys', here, ...more);

/** Its lines, here and there. */
const linesOf = (counter: Counter, { output }: Listener, last: number) => ends({ ...counter, output }, last);

const runs = (pid: number) => processStatus(pid) !== undefined && processStatus(pid)?.state !== 'Z';

async function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return [child.exitCode, child.signalCode];
}

test('the pages of a lazy move come over the same connection', async () => {
  const listener = await listen();
  const own = counters.ownFolder();
  mkdirSync(own);
  const image = join(own, 'walker');
  await build(walkerProgram({ pages: 128, last: 1 }), image);
  const child = spawn(image, [], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  counters.pids.push(child.pid!);
  await new Output(child).has('ready');
  const moved = await migrate(child.pid!, listener, '--lazy', '--limit-rate', '16M');
  expect([moved.status, moved.stderr]).toEqual([0, '']);
  expect(await ended(child)).toEqual([75, null]);
  while (runs(movedPid(moved))) await sleep(5);
  const [out = ''] = readdirSync(listener.output).filter((name) => name.endsWith('.out'));
  expect(readFileSync(join(listener.output, out), 'utf8')).toBe('end\n');
});

describe('keys', () => {
  test('are made once, and readable for their owner only', async () => {
    expect((await counters.wagSnap('keys', '--keys', here)).stdout).toBe(`${pin(here)}\n`);
    expect(statSync(join(here, 'key.pem')).mode & 0o777).toBe(0o600);
    expect(statSync(here).mode & 0o777).toBe(0o700);
  });

  test('are the same for several commands that make them at once', async () => {
    const keys = counters.ownFolder();
    const made = await Promise.all([1, 2, 3].map(() => counters.wagSnap('keys', '--keys', keys, '--json')));
    const found = made.map(({ stdout }) => (JSON.parse(stdout) as { fingerprint: string }).fingerprint);
    expect(new Set(found).size).toBe(1);
    expect(readdirSync(keys).sort()).toEqual(['certificate.pem', 'key.pem']);
    rmSync(join(keys, 'certificate.pem')); // as after a command that was killed
    expect((await counters.wagSnap('keys', '--keys', keys)).stdout).toBe(`${found[0]}\n`);
  });

  test.each<[string, (keys: string) => void, RegExp]>([
    ['are not there', () => {}, /has no keys: wag-snap keys --keys .* makes them/],
    ['can be read by others', (keys) => chmodSync(join(keys, 'key.pem'), 0o640), /others may read .* chmod 600/],
    ['are no keys', (keys) => writeFileSync(join(keys, 'key.pem'), 'x'), /key\.pem: is not a private key in PEM/],
    [
      'do not fit',
      (keys) => writeFileSync(join(keys, 'key.pem'), readFileSync(join(here, 'key.pem'))),
      /does not belong to/,
    ],
    ['have no certificate', (keys) => writeFileSync(join(keys, 'certificate.pem'), ''), /is not a certificate in PEM/],
  ])('that %s are refused', async (what, spoil, message) => {
    const keys = counters.ownFolder();
    mkdirSync(keys);
    if (what !== 'are not there') await counters.wagSnap('keys', '--keys', keys);
    spoil(keys);
    const { status, stderr } = await counters.wagSnap('receive', '--listen', `${LOOPBACK}:0`, '--keys', keys);
    expect([[1, 3].includes(status!), stderr]).toEqual([true, expect.stringMatching(message)]);
  });
});

describe('a program', () => {
  test('goes there and ends here, and its end there is logged', async () => {
    const counter = await counters.start();
    const listener = await listen('--dir', `${counter.data}::data`, '--max-memory', '1G');
    const moved = movedPid(await migrate(counter.pid, listener, '--dir', 'data::/d'));
    expect(await ended(counter.child)).toEqual([75, null]);
    expectWhole(await linesOf(counter, listener, moved));
    const log = await listener.log.says(/has ended: exit code 0\n/);
    const events = [
      `connection 1: from [\\d.]+:\\d+, ${pin(here).replaceAll('+', '\\+')}`,
      'connection 1: a program without a name may come, for (x64|arm64)',
      'connection 1: its image (is there|was compiled)',
      `connection 1: pid ${moved} is ready to begin`,
      `connection 1: pid ${moved} runs, and prints to ${listener.output}/program-${moved}\\.out`,
      `connection 1: pid ${moved} has ended: exit code 0`,
    ];
    const [, ...lines] = log.trim().split('\n');
    expect(lines).toEqual(events.map((event) => expect.stringMatching(new RegExp(`^\\d{4}-\\S+Z ${event}$`))));
  });

  test('goes to the other CPU and back', async ({ skip }) => {
    const other = process.arch === 'arm64' ? 'x64' : 'arm64';
    if (!canRun(other)) skip('needs qemu-user-static');
    const counter = await counters.start();
    const listener = await listen('--dir', `${counter.data}::data`);
    let { pid } = counter;
    for (const arch of [other, process.arch]) {
      pid = movedPid(await migrate(pid, listener, '--dir', 'data::/d', '--arch', arch));
    }
    expectWhole(await linesOf(counter, listener, pid));
  });

  test('goes while others do, and runs on when the listener ends', async () => {
    const movers = await Promise.all([counters.start(), counters.start(), counters.start()]);
    const listener = await listen(...movers.flatMap(({ data }, n) => ['--dir', `${data}::d${n}`]));
    const moved = await Promise.all(movers.map(({ pid }, n) => migrate(pid, listener, '--dir', `d${n}::/d`)));
    const last = moved.map(movedPid);
    listener.child.kill('SIGTERM');
    expect(await ended(listener.child)).toEqual([0, null]);
    expect(listener.log.stderr).toMatch(/ended by SIGTERM; programs run on\n$/);
    expect(last.map(runs)).toEqual([true, true, true]);
    for (const { data } of movers) writeFileSync(join(data, 'stop'), '');
    for (const [n, counter] of movers.entries()) {
      const output = join(folder, `sorted-${n}`);
      while (runs(last[n])) await new Promise((done) => setTimeout(done, 5));
      mkdirSync(output);
      for (const end of ['out', 'err']) {
        const name = `program-${last[n]}.${end}`;
        writeFileSync(join(output, name), readFileSync(join(listener.output, name)));
      }
      expectWhole(await ends({ ...counter, output }, last[n]));
    }
  });
});

describe('what a receiver does not allow is said, and it continues here', () => {
  test('all of it at once', async () => {
    const counter = await counters.start();
    const listener = await listen('--dir', `${counter.data}::data`);
    const options = ['--same-dirs', '--dir', `${counter.data}::/d`, '--output-dir', folder, '--listen', '127.0.0.1:80'];
    const { status, stderr } = await migrate(counter.pid, listener, ...options, '--fd', '0=/etc/passwd');
    expect(status).toBe(3);
    expect(stderr.trim().split('\n')).toEqual([
      'wag-snap: the receiver does not allow it:',
      expect.stringMatching(/^ {2}--dir ".*\/data": the receiver gives no directory this name; it gives "data"$/),
      '  --listen "127.0.0.1:80": the receiver does not allow it; it allows no address',
      '  --fd 0="/etc/passwd": the receiver opens no paths that the source sends',
      '  --same-dirs: the receiver gives directories by name only',
      '  --output-dir: the receiver says where programs print to',
      `pid ${counter.pid} continues here`,
    ]);
    expectWhole(await linesOf(counter, listener, counter.pid));
  });

  test.each([
    ['memory', ['--max-memory', '64K'], 4, /has 1310720 bytes of memory, .* allows 65536/],
    ['one more', ['--max-workloads', '1'], 4, /takes no more programs than 1 at the same time/],
  ] as const)('%s', async (what, options, status, message) => {
    const [first, second] = await Promise.all([counters.start(), counters.start()]);
    const listener = await listen('--dir', `${first.data}::data`, ...options);
    if (what === 'one more') movedPid(await migrate(first.pid, listener, '--dir', 'data::/d'));
    const refused = await migrate(second.pid, listener, '--dir', 'data::/d');
    expect([refused.status, refused.stderr]).toEqual([status, expect.stringMatching(message)]);
    expect(await counters.stateOf(second.pid)).toBe('running');
    if (what !== 'one more') return;
    writeFileSync(join(first.data, 'stop'), '');
    await listener.log.says('has ended');
    rmSync(join(first.data, 'stop'));
    movedPid(await migrate(second.pid, listener, '--dir', 'data::/d')); // there is room again
  });

  test('writing to what is given to be read', async () => {
    const counter = await counters.start();
    const listener = await listen('--dir', `${counter.data}::data:ro`);
    const moved = await migrate(counter.pid, listener, '--dir', 'data::/d:rw', '--fd', '3=fail');
    expect([moved.status, moved.stderr]).toEqual([3, expect.stringMatching(/it is another directory than before/)]);
  });
});

describe('who is not known', () => {
  let counter: Counter;
  let listener: Listener;
  beforeAll(async () => {
    listener = await listen();
  });

  const expectNothing = async () => {
    expect(await counters.stateOf(counter.pid)).toBe('running');
    expectWhole(await linesOf(counter, listener, counter.pid));
  };

  test('to the receiver: is told so, and nothing is taken from it', async () => {
    counter = await counters.start();
    const { status, stderr } = await counters.wagSnap(
      ...['migrate', String(counter.pid), listener.url, '--keys', stranger, '--peer', pin(there)],
    );
    expect([status, stderr]).toEqual([1, expect.stringContaining('does not take anything from this host')]);
    expect(stderr).toContain(`receive --peer ${pin(stranger)}`);
    await listener.log.says(`, ${pin(stranger)}: its key is not known here`);
    expect(listener.log.stderr).not.toContain('connection 1');
    await expectNothing();
  });

  test('to the source: is told so, and nothing is sent to it', async () => {
    counter = await counters.start();
    const { status, stderr } = await migrate(counter.pid, listener, '--peer', pin(stranger));
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('has a key that is not known here; nothing was sent'),
    ]);
    expect(stderr).toContain(`it is ${pin(there)}`);
    await expectNothing();
  });

  test('by this name: another one answers', async () => {
    counter = await counters.start();
    writeFileSync(join(stranger, 'peers'), `${pin(here)} ${LOOPBACK}\n${pin(there)} elsewhere\n`);
    const { status, stderr } = await counters.wagSnap(
      ...['migrate', String(counter.pid), listener.url, '--keys', stranger],
    );
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/has another key than .*peers says: it is another host/),
    ]);
    await expectNothing();
  });

  test('as it has no key, speaks an older TLS, or no TLS at all', async () => {
    const [host = '', port = ''] = listener.address.split(':');
    const own = { key: readFileSync(join(here, 'key.pem')), cert: readFileSync(join(here, 'certificate.pem')) };
    const options = { host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['wag-snap'] };
    for (const more of [{}, { ...own, maxVersion: 'TLSv1.2' as const }, { ...own, ALPNProtocols: ['http/1.1'] }]) {
      const socket = connect({ ...options, ...more });
      let said = '';
      socket.on('data', (data) => {
        said += data;
      });
      socket.on('error', () => {});
      socket.write('hello');
      await new Promise((closed) => socket.on('close', closed));
      expect(said).toBe('');
    }
    await listener.log.says(/refused .*: it has shown no key\n/);
    await listener.log.says(/refused .*: it does not speak TLS 1\.3 as wag-snap does\n/);
    // and it takes a program from a host that is known
    counter = await counters.start();
    expect((await migrate(counter.pid, listener, '--dir', 'x::/d')).stderr).toMatch(/gives no directory this name/);
    await expectNothing();
  });
});

test('crowds that say nothing keep nobody out who is known', async () => {
  const counter = await counters.start();
  const listener = await listen('--dir', `${counter.data}::data`);
  const [host, port] = listener.address.split(':');
  const crowd: Socket[] = [];
  for (let n = 0; n < 300; n++) {
    const socket = createConnection(Number(port), host);
    socket.on('error', () => {});
    crowd.push(socket);
    await once(socket, 'connect');
  }
  const looked = await migrate(counter.pid, listener, '--dir', 'data::/d', '--dry-run');
  for (const socket of crowd) socket.destroy();
  expect([looked.status, looked.stderr]).toEqual([0, '']);
});

describe('what answers is no receiver', () => {
  test.each([
    ['nobody listens', undefined, /nobody listens there/],
    ['something without TLS', createServer((socket) => socket.end('220 mail\r\n')), /is no receiver of wag-snap/],
    ['an older TLS', createTlsServer({ maxVersion: 'TLSv1.2' }), /is no receiver of wag-snap/],
  ])('%s', async (_, server, message) => {
    const counter = await counters.start();
    const listening = server ?? createServer();
    listening.listen(0, LOOPBACK);
    await once(listening, 'listening');
    const { port } = listening.address() as { port: number };
    if (server === undefined) {
      listening.close();
      await once(listening, 'close');
    }
    const args = ['migrate', String(counter.pid), `tls://${LOOPBACK}:${port}`, '--keys', here];
    const { status, stderr } = await counters.wagSnap(...args);
    listening.close();
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(await counters.stateOf(counter.pid)).toBe('running');
  });

  test('nobody may send to a receiver that knows nobody', async () => {
    writeFileSync(join(stranger, 'peers'), '# nobody\n');
    const args = ['receive', '--listen', `${LOOPBACK}:0`, '--keys', stranger];
    const { status, stderr } = await counters.wagSnap(...args);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/no host may send anything here/)]);
    writeFileSync(join(stranger, 'peers'), 'SHA256:short\n');
    expect((await counters.wagSnap(...args)).stderr).toMatch(
      /peers, line 1: "SHA256:short": expected what wag-snap keys/,
    );
  });
});
