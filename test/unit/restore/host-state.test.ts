import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
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
} from '../../../src/image/contract/host-state.js';
import { encodeHostState } from '../../../src/restore/host-state.js';
import type { Descriptor } from '../../../src/snapshot/host.js';

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
const descriptors = [empty, preopen, file];

describe('encodeHostState', () => {
  test('has an entry per descriptor and ends after the last path', () => {
    const bytes = encodeHostState(descriptors);
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

  test('has the host path of a stream that is a file, and of a given file', () => {
    const hostPath = Buffer.from('/in');
    const bytes = encodeHostState([
      { ...empty, hostPath },
      { ...empty, fd: 1, kind: 'given', hostPath, offset: 9n },
    ]);
    const view = new DataView(bytes.buffer);
    for (const fd of [0, 1]) {
      expect(view.getUint32(HS_FDS + fd * FD_SIZE + FD_PATH_LENGTH, true)).toBe(3);
      const at = HS_PATHS + fd * HS_PATH_SIZE;
      expect(Buffer.from(bytes).toString('latin1', at, at + 3)).toBe('/in');
    }
    expect(view.getBigInt64(HS_FDS + FD_SIZE + FD_OFFSET, true)).toBe(9n);
  });

  test('refuses what cannot be', () => {
    const bad: Descriptor[][] = [
      [{ ...empty, fd: 1024 }],
      [{ ...empty, kind: 'given' }],
      [{ ...preopen, hostPath: new Uint8Array() }],
      [file],
      [{ ...preopen, readOnly: true }, file],
      [preopen, { ...file, path: new Uint8Array(4097) }],
    ];
    for (const descriptors of bad) expect(() => encodeHostState(descriptors)).toThrow(InputError);
  });
});
