import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { encodeHostState, grantDirectories, grantListeners } from '../../../src/restore/host-state.js';
import {
  FD_HOST_PATH_LENGTH,
  FD_KIND,
  FD_OFFSET,
  FD_PATH_LENGTH,
  FD_PREOPEN,
  FD_SIZE,
  FDK_FILE,
  FDK_FREE,
  FDK_PREOPEN,
  HS_FD_COUNT,
  HS_FDS,
  HS_PATH_SIZE,
  HS_PATHS,
} from '../../../src/runtime/layout.js';
import type { Descriptor, Host } from '../../../src/snapshot/snapshot.js';

const empty: Descriptor = {
  fd: 0,
  kind: 'stdio',
  path: new Uint8Array(),
  preopen: 0,
  guestName: new Uint8Array(),
  hostPath: new Uint8Array(),
  readOnly: false,
  flags: 0,
  openFlags: 0,
  rights: 0n,
  rightsInheriting: 0n,
  offset: 0n,
  cookie: 0n,
};
const preopen: Descriptor = {
  ...empty,
  fd: 3,
  kind: 'preopen',
  guestName: Buffer.from('/g'),
  hostPath: Buffer.from('/host'),
};
const file: Descriptor = {
  ...empty,
  fd: 5,
  kind: 'file',
  path: Buffer.from('a/b'),
  preopen: 3,
  openFlags: 3,
  offset: 7n,
};
const host: Host = { descriptors: [empty, preopen, file], args: [], env: [], monotonic: 0n, pendingTimeout: undefined };

describe('grantListeners', () => {
  const at = (fd: number, address: string): Descriptor => ({
    ...empty,
    fd,
    kind: 'listener',
    path: Buffer.from(address),
  });
  const listeners = [empty, at(3, '0.0.0.0:80'), at(4, 'fd:3')];

  test('a snapshot gets no address that was not given', () => {
    expect(() => grantListeners(listeners, [], false)).toThrow(/descriptor 3 \(it was "0\.0\.0\.0:80"\).*--listen/);
    expect(() => grantListeners(listeners, ['unix:/a'], false)).toThrow(/descriptor 4/);
    expect(grantListeners([empty], [], false)).toEqual([empty]);
  });

  test('they are given in order; recorded ones only when they are trusted, and never a descriptor', () => {
    const paths = (descriptors: readonly Descriptor[]) => descriptors.map(({ path }) => Buffer.from(path).toString());
    expect(paths(grantListeners(listeners, ['1.2.3.4:5', 'unix:/a'], false))).toEqual(['', '1.2.3.4:5', 'unix:/a']);
    expect(paths(grantListeners(listeners.slice(0, 2), [], true))).toEqual(['', '0.0.0.0:80']);
    expect(() => grantListeners(listeners, [], true)).toThrow(InputError);
  });
});

describe('grantDirectories', () => {
  test('a snapshot gets no directory that was not given', () => {
    expect(() => grantDirectories(host, [], false)).toThrow(/--dir HOST::\/g/);
    expect(grantDirectories(host, [], true)).toEqual(host.descriptors);
  });

  test('a given directory replaces the recorded one', () => {
    const [, granted] = grantDirectories(host, [{ guest: '/g', host: '/new', readOnly: true }], false);
    expect(Buffer.from(granted.hostPath).toString()).toBe('/new');
    expect(granted.readOnly).toBe(true);
  });
});

describe('encodeHostState', () => {
  test('has an entry per descriptor and ends behind the last path', () => {
    const bytes = encodeHostState(host.descriptors);
    const view = new DataView(bytes.buffer);
    const entry = (fd: number) => HS_FDS + fd * FD_SIZE;
    expect(view.getUint32(HS_FD_COUNT, true)).toBe(6);
    expect(view.getUint32(entry(3) + FD_KIND, true)).toBe(FDK_PREOPEN);
    expect(view.getUint32(entry(3) + FD_PATH_LENGTH, true)).toBe(2);
    expect(view.getUint32(entry(3) + FD_HOST_PATH_LENGTH, true)).toBe(5);
    expect(view.getUint32(entry(4) + FD_KIND, true)).toBe(FDK_FREE);
    expect(view.getUint32(entry(5) + FD_KIND, true)).toBe(FDK_FILE);
    expect(view.getUint32(entry(5) + FD_PREOPEN, true)).toBe(3);
    expect(view.getBigInt64(entry(5) + FD_OFFSET, true)).toBe(7n);
    const path = (fd: number, length: number) =>
      Buffer.from(bytes).toString('latin1', HS_PATHS + fd * HS_PATH_SIZE, HS_PATHS + fd * HS_PATH_SIZE + length);
    expect(path(3, 7)).toBe('/g/host');
    expect(path(5, 3)).toBe('a/b');
    expect(bytes.length).toBe(HS_PATHS + 5 * HS_PATH_SIZE + 8);
  });

  test('refuses what cannot be', () => {
    const bad: Descriptor[][] = [
      [{ ...empty, fd: 1024 }],
      [{ ...preopen, hostPath: new Uint8Array() }],
      [file],
      [{ ...preopen, readOnly: true }, file],
      [preopen, { ...file, path: new Uint8Array(4097) }],
    ];
    for (const descriptors of bad) expect(() => encodeHostState(descriptors)).toThrow(InputError);
  });
});
