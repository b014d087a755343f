/** Listeners given by WAGSNAP_LISTEN, connections on them, and every function of sockets, over TCP and Unix sockets. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOOPBACK } from '../support/loopback.js';
import { DATA, E, Guest, IOVEC, OUT, removeGuest } from '../support/wasi-guest.js';

const PEEK = 1;
const WAITALL = 2;
const LISTENER = 3;
const NONBLOCK = 4;
const FLAGS_OUT = OUT + 8;

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

let folder: string;
let path: string;
let guest: Guest;
const clients: Socket[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wagsnap-sockets-'));
  path = join(folder, 'socket');
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await guest?.stop();
  rmSync(folder, { recursive: true });
});
afterAll(removeGuest);

/** Starts the guest with listeners, which are made to wait: at first they do not. */
const listen = async (...lines: string[]) => {
  guest = await Guest.start({ env: { WAGSNAP_LISTEN: lines.join('\n') } });
  for (let i = 0; i < lines.length; i++) expect(await guest.call('fd_fdstat_set_flags', LISTENER + i, 0)).toBe(0);
};

async function client(address: string | number = path): Promise<Socket> {
  const socket = typeof address === 'number' ? connect(address, LOOPBACK) : connect(address);
  socket.on('error', () => {});
  clients.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function accept(listener = LISTENER, flags = 0): Promise<number> {
  const error = await guest.call('sock_accept', listener, flags, OUT);
  return error ? -error : guest.peek32(OUT);
}

/** Text and roflags, or -errno. */
async function recv(fd: number, length: number, flags = 0): Promise<[string, number] | number> {
  await guest.poke32(IOVEC, DATA, length);
  const error = await guest.call('sock_recv', fd, IOVEC, 1, flags, OUT, FLAGS_OUT);
  if (error) return -error;
  const bytes = await guest.peek(DATA, await guest.peek32(OUT));
  return [bytes.toString(), (await guest.peek(FLAGS_OUT, 2)).readUInt16LE()];
}

async function send(fd: number, text: string, flags = 0): Promise<number> {
  await guest.poke32(IOVEC, DATA, await guest.poke(DATA, text));
  const error = await guest.call('sock_send', fd, IOVEC, 1, flags, OUT);
  return error ? -error : guest.peek32(OUT);
}

async function freePort(address = LOOPBACK): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

describe('a connection', () => {
  it('is accepted and talks, over a Unix socket', async () => {
    await listen(`unix:${path}`);
    const peer = await client();
    const fd = await accept();
    expect(fd).toBe(4);
    peer.write('hello');
    let heard = '';
    peer.on('data', (bytes) => {
      heard += bytes;
    });
    expect(await recv(fd, 100)).toEqual(['hello', 0]);
    expect(await send(fd, 'world, ')).toBe(7);
    expect(await guest.write(fd, 'as a file')).toBe(9);
    while (heard.length < 16) await guest.during(once(peer, 'data'));
    expect(heard).toBe('world, as a file');
    peer.end('bye');
    expect(await guest.read(fd, 100)).toBe('bye');
    expect(await recv(fd, 100)).toEqual(['', 0]);
    expect(await guest.call('fd_close', fd)).toBe(0);
    expect(await recv(fd, 100)).toBe(-E.BADF);
  });

  it('is accepted over TCP', async () => {
    const port = await freePort();
    await listen(`${LOOPBACK}:${port}`);
    const peer = await client(port);
    const fd = await accept();
    peer.write('tcp');
    expect(await recv(fd, 100)).toEqual(['tcp', 0]);
  });

  it('is accepted over IPv6', async ({ skip }) => {
    if (!hasIPv6) return skip('this machine has no IPv6');
    const port = await freePort('::1');
    await listen(`[::1]:${port}`, `[0:0:0::0:0:0001]:${await freePort('::1')}`);
    const peer = connect(port, '::1');
    clients.push(peer);
    const fd = await accept();
    expect(await send(fd, 'six')).toBe(3);
    expect(String((await guest.during(once(peer, 'data')))[0])).toBe('six');
  });

  it('can be peeked at and waited for', async () => {
    await listen(`unix:${path}`);
    const peer = await client();
    const fd = await accept();
    peer.write('abc');
    expect(await recv(fd, 2, PEEK)).toEqual(['ab', 0]);
    expect(await recv(fd, 100, PEEK)).toEqual(['abc', 0]);
    setTimeout(() => peer.write('def'), 30);
    expect(await recv(fd, 6, WAITALL)).toEqual(['abcdef', 0]);
    expect(await recv(fd, 6, 4)).toBe(-E.INVAL);
    expect(await send(fd, 'x', 1)).toBe(-E.INVAL);
  });

  it('does not block when it is told not to', async () => {
    await listen(`unix:${path}`);
    expect(await guest.call('fd_fdstat_set_flags', LISTENER, 4)).toBe(0);
    expect(await accept()).toBe(-E.AGAIN);
    const peer = await client();
    const fd = await accept(LISTENER, 4);
    expect(await recv(fd, 10)).toBe(-E.AGAIN);
    expect(await guest.call('fd_fdstat_get', fd, OUT)).toBe(0);
    const stat = await guest.peek(OUT, 24);
    expect([stat[0], stat.readUInt16LE(2)]).toEqual([6, 4]);
    await new Promise((done) => peer.write('x', done));
    expect(await recv(fd, 10)).toEqual(['x', 0]);
    expect(await accept(LISTENER, 1)).toBe(-E.INVAL);
  });

  it('is shut down, in either direction', async () => {
    await listen(`unix:${path}`);
    const peer = await client();
    const fd = await accept();
    for (const how of [0, 4, 255]) expect(await guest.call('sock_shutdown', fd, how)).toBe(E.INVAL);
    const end = once(peer, 'end');
    peer.resume();
    expect(await guest.call('sock_shutdown', fd, 2)).toBe(0);
    await guest.during(end);
    expect(await send(fd, 'x')).toBe(-E.PIPE);
    expect(await guest.call('sock_shutdown', fd, 1)).toBe(0);
    expect(await recv(fd, 10)).toEqual(['', 0]);
    const both = await client();
    const other = await accept();
    expect(await guest.call('sock_shutdown', other, 3)).toBe(0);
    both.destroy();
  });

  it('that the peer has reset says so', async () => {
    const port = await freePort();
    await listen(`${LOOPBACK}:${port}`);
    const peer = await client(port);
    const fd = await accept();
    peer.resetAndDestroy();
    expect(await recv(fd, 10)).toBe(-E.CONNRESET);
    expect(await send(fd, 'x')).toBe(-E.PIPE);
  });
});

describe('poll_oneoff', () => {
  const SUBSCRIPTIONS = 32768;
  const EVENTS = 49152;
  /** Waits to read a descriptor, at most an hour. Userdata of the events. */
  async function poll(fd: number): Promise<number[]> {
    const bytes = Buffer.alloc(96);
    bytes.writeUInt8(1, 0);
    bytes.writeUInt8(1, 8);
    bytes.writeUInt32LE(fd, 16);
    bytes.writeUInt8(2, 48);
    bytes.writeUInt32LE(1, 64);
    bytes.writeBigUInt64LE(3_600_000_000_000n, 72);
    await guest.poke(SUBSCRIPTIONS, bytes);
    expect(await guest.call('poll_oneoff', SUBSCRIPTIONS, EVENTS, 2, OUT)).toBe(0);
    const count = await guest.peek32(OUT);
    const events = await guest.peek(EVENTS, 32 * count);
    expect(events.readUInt16LE(8)).toBe(0);
    return Array.from({ length: count }, (_, i) => events[i * 32]);
  }

  it('waits for connections and for what they say', async () => {
    await listen(`unix:${path}`);
    const connected = poll(LISTENER);
    await pause(30);
    const peer = await client();
    expect(await connected).toEqual([1]);
    const fd = await accept();
    setTimeout(() => peer.write('x'), 30);
    expect(await poll(fd)).toEqual([1]);
  });
});

describe('a listener', () => {
  it('is no directory, no file, and not to be read', async () => {
    await listen(`unix:${path}`);
    expect(await guest.call('fd_prestat_get', LISTENER, OUT)).toBe(E.BADF);
    expect(await guest.read(LISTENER, 10)).toBe(-E.BADF);
    expect(await recv(LISTENER, 10)).toBe(-E.BADF);
    expect(await send(LISTENER, 'x')).toBe(-E.BADF);
    expect(await guest.call('sock_shutdown', LISTENER, 3)).toBe(E.NOTCAPABLE);
    expect(await guest.open(LISTENER, 'x')).toBe(-E.NOTDIR);
    expect(await guest.call('fd_fdstat_get', LISTENER, OUT)).toBe(0);
    expect((await guest.peek(OUT, 1))[0]).toBe(6);
  });

  it('does not wait at first, as that of other runtimes: Go would stop for ever', async () => {
    guest = await Guest.start({ env: { WAGSNAP_LISTEN: `unix:${path}` } });
    expect(await guest.call('fd_fdstat_get', LISTENER, OUT)).toBe(0);
    expect((await guest.peek(OUT + 2, 1))[0]).toBe(NONBLOCK);
    expect(await accept()).toBe(-E.AGAIN);
    const peer = await client();
    const fd = await accept();
    expect(fd).toBe(4);
    // The connection is as sock_accept was asked for it.
    expect(await guest.call('fd_fdstat_get', fd, OUT)).toBe(0);
    expect((await guest.peek(OUT + 2, 1))[0]).toBe(0);
    peer.write('late');
    expect(await recv(fd, 10)).toEqual(['late', 0]);
  });

  it('comes after the directories', async () => {
    guest = await Guest.start({ dirs: [`${folder}::/d`], env: { WAGSNAP_LISTEN: `\nunix:${path}\n` } });
    expect(await guest.call('fd_prestat_get', 3, OUT)).toBe(0);
    await client();
    expect(await accept(4)).toBe(5);
  });

  it('may be inherited', async () => {
    const server = createServer().listen(path);
    await once(server, 'listening');
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    guest = await Guest.start({ env: { WAGSNAP_LISTEN: 'fd:0' }, stdio: [fd, 'pipe', 'pipe'] });
    expect(await guest.call('fd_fdstat_get', LISTENER, OUT)).toBe(0);
    expect((await guest.peek(OUT, 4))[0]).toBe(6);
    server.close();
  });

  it('continues waiting after a stop', async () => {
    await listen(`unix:${path}`);
    const accepted = accept();
    for (let i = 0; i < 3; i++) {
      await pause(40);
      execFileSync('/bin/sh', ['-c', `kill -USR2 ${guest.process.pid}`]);
    }
    await pause(40);
    const peer = await client();
    const fd = await accepted;
    const received = recv(fd, 10);
    await pause(30);
    execFileSync('/bin/sh', ['-c', `kill -USR2 ${guest.process.pid}`]);
    await pause(40);
    peer.write('late');
    expect(await received).toEqual(['late', 0]);
  });
});

it('says ENOTSOCK for what is none', async () => {
  writeFileSync(join(folder, 'file'), 'x');
  guest = await Guest.start({ dirs: [`${folder}::/d`] });
  const fd = await guest.open(3, 'file', { rights: 2n | 64n });
  expect(await accept(fd)).toBe(-E.NOTSOCK);
  expect(await recv(fd, 1)).toBe(-E.NOTSOCK);
  expect(await send(fd, 'x')).toBe(-E.NOTSOCK);
  expect(await guest.call('sock_shutdown', fd, 1)).toBe(E.NOTSOCK);
  expect(await accept(3)).toBe(-E.BADF); // a directory
});

describe('WAGSNAP_LISTEN', () => {
  async function refused(line: string): Promise<[number, string]> {
    let stderr = '';
    const code = await Guest.start({
      env: { WAGSNAP_LISTEN: line },
      onStderr: (text) => {
        stderr += text;
      },
    }).then(
      async (g) => {
        await g.stop();
        return -1;
      },
      (error) => error.code,
    );
    return [code, stderr];
  }

  it('says which line cannot be read, and ends with 2', async () => {
    const lines = [
      'x',
      '127.0.0.1',
      '127.0.0.1:',
      '127.0.0.1:65536',
      '127.0.0.256:1',
      '1.2.3:4',
      '[::1]',
      '[::1:5',
      '[1::2::3]:1',
    ];
    const more = [
      '[1:2:3:4:5:6:7:8:9]:1',
      '[1:2]:3',
      '[:1]:2',
      '[12345::]:1',
      'unix:',
      `unix:${'x'.repeat(108)}`,
      'fd:',
      'fd:x',
      '127.0.0.1:80x',
    ];
    for (const line of [...lines, ...more]) {
      const message = `wag-snap: WAGSNAP_LISTEN: "${line}": expected IP:PORT, [IPv6]:PORT, unix:PATH or fd:N\n`;
      expect(await refused(line)).toEqual([2, message]);
    }
  });

  it('says where it cannot listen, and ends with 1', async () => {
    const port = await freePort();
    await listen(`${LOOPBACK}:${port}`);
    const failed = (line: string, why: string) => [1, `wag-snap: --listen: cannot listen at "${line}": ${why}\n`];
    const line = `${LOOPBACK}:${port}`;
    expect(await refused(line)).toEqual(failed(line, 'Address already in use'));
    expect(await refused('192.0.2.1:9')).toEqual(failed('192.0.2.1:9', 'Cannot assign requested address'));
    const gone = `unix:${folder}/none/socket`;
    expect(await refused(gone)).toEqual(failed(gone, 'No such file or directory'));
    expect(await refused('fd:99')).toEqual(failed('fd:99', 'errno 9'));
    expect(existsSync(path)).toBe(false);
  });
});
