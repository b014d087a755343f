/** Which descriptors a snapshot gets: nothing that was not given, and what each --fd makes of one. */

import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { type FdPolicy, type Grants, grantDescriptors } from '../../../src/restore/grants.js';
import type { Descriptor } from '../../../src/snapshot/host.js';
import { descriptor, summary } from './descriptors.js';

const SET_TIMES = 1n << 23n;
const stdin = descriptor(0, 'stdio');
const preopen = descriptor(3, 'preopen', { guestName: '/g', hostPath: '/host', rights: 5n, rightsInheriting: 7n });
const file = descriptor(5, 'file', { path: 'a/b', preopen: 3, openFlags: 3, offset: 7n, rights: 2n | SET_TIMES });
const folder = descriptor(6, 'directory', { path: 'c', preopen: 3 });
const listener = descriptor(7, 'listener', { path: '0.0.0.0:80' });
const connection = descriptor(8, 'socket');
const given = descriptor(9, 'given', { hostPath: '/etc/x' });
const all = [stdin, preopen, file, folder, listener, connection, given];
const trusted: Grants = { recordedDirectories: true };

const granted = (descriptors: readonly Descriptor[], grants: Grants) => {
  const { descriptors: result, problems } = grantDescriptors(descriptors, grants);
  expect(problems).toEqual([]);
  return result;
};
const problems = (descriptors: readonly Descriptor[], grants: Grants = {}) =>
  grantDescriptors(descriptors, grants).problems;
const fds = (...entries: [number, FdPolicy][]): Grants => ({ ...trusted, policies: new Map(entries) });

describe('without being given anything', () => {
  test('all that is missing is said at once, with the arguments that give what it had', () => {
    expect(problems(all).map(({ fd, recorded }) => [fd, ...recorded!])).toEqual([
      [3, '--dir', '/host::/g'],
      [7, '--listen', '0.0.0.0:80'],
      [9, '--fd', '9=/etc/x'],
    ]);
    const [{ what, mend }] = problems([preopen]);
    expect([what, mend]).toEqual([
      'directory "/g": no directory was given for it (it was "/host")',
      '--dir HOST::/g, --same-dirs',
    ]);
    expect(problems([{ ...preopen, readOnly: true }])[0].recorded).toEqual(['--dir', '/host::/g:ro']);
  });

  test('a trusted snapshot gets what it names', () => {
    expect(granted(all, trusted)).toEqual(all);
  });

  test('but never a descriptor of ours, nor a path for a standard stream', () => {
    expect(problems([descriptor(7, 'listener', { path: 'fd:3' })], trusted)).toHaveLength(1);
    expect(granted([descriptor(0, 'stdio', { hostPath: '/etc/shadow' })], trusted)).toEqual([stdin]);
  });
});

test('a given directory replaces the recorded one', () => {
  const [result] = granted([preopen], { directories: [{ guest: '/g', host: '/new', readOnly: true }] });
  expect([Buffer.from(result.hostPath).toString(), result.readOnly]).toEqual(['/new', true]);
  expect(summary(granted([preopen], fds([3, { path: '/other' }])))).toEqual([[3, 'preopen', '/g']]);
  expect(Buffer.from(granted([preopen], fds([3, { path: '/other' }]))[0].hostPath).toString()).toBe('/other');
});

test('addresses are given in the order of descriptors that are left', () => {
  const second = descriptor(10, 'listener', { path: '[::]:1' });
  const listeners = ['1.2.3.4:5', 'unix:/a'];
  const paths = (grants: Grants) => granted([listener, second], grants).map(({ path }) => Buffer.from(path).toString());
  expect(paths({ listeners })).toEqual(listeners);
  expect(paths({ listeners: ['unix:/b'], policies: new Map([[7, 'close']]) })).toEqual(['unix:/b']);
  expect(problems([listener, second], { listeners: ['unix:/b'] }).map(({ fd }) => fd)).toEqual([10]);
});

describe('--fd', () => {
  test('close takes a descriptor away, of each kind', () => {
    for (const { fd } of all.filter(({ kind }) => kind !== 'preopen')) {
      expect(granted(all, fds([fd, 'close'])).map((left) => left.fd)).toEqual(
        all.map((left) => left.fd).filter((left) => left !== fd),
      );
    }
  });

  test('ignore leaves nothing but the number and the rights', () => {
    const [stream, ...rest] = granted(
      [stdin, file, listener, connection],
      fds(...[0, 5, 7, 8].map((fd): [number, FdPolicy] => [fd, 'ignore'])),
    );
    expect([stream.kind, Buffer.from(stream.hostPath).toString()]).toEqual(['stdio', '/dev/null']);
    expect(summary(rest)).toEqual([5, 7, 8].map((fd) => [fd, 'null', '']));
    expect(rest[0]).toMatchObject({ rights: 2n, openFlags: 3, offset: 0n }); // the times of /dev/null are not its own
  });

  test('what was ignored before stays so, without rights that a snapshot may claim', () => {
    const before = descriptor(5, 'null', { path: '/x', rights: 2n | SET_TIMES });
    expect(granted([before], trusted)).toEqual([{ ...before, path: new Uint8Array(), rights: 2n, facts: undefined }]);
    expect(summary(granted([before], fds([5, { path: '/new' }])))).toEqual([[5, 'given', '/new']]);
  });

  test('a path stands for a file and for a standard stream', () => {
    const path = { path: '/new' };
    expect(granted([file], { policies: new Map([[5, path]]) })).toEqual([
      { ...file, kind: 'given', path: new Uint8Array(), preopen: 0, hostPath: Buffer.from('/new') },
    ]);
    expect(granted([given], { policies: new Map([[9, path]]) })[0].hostPath).toEqual(Buffer.from('/new'));
    expect(granted([stdin], { policies: new Map([[0, path]]) })[0].hostPath).toEqual(Buffer.from('/new'));
    for (const other of [folder, listener, connection])
      expect(() => grantDescriptors([preopen, other], fds([other.fd, path]))).toThrow(InputError);
  });

  test('a preopen that is gone stays without rights while something is below it', () => {
    expect(granted([preopen], fds([3, 'close']))).toEqual([]);
    const closed = granted([preopen, file], fds([3, 'close']));
    expect(closed.find(({ fd }) => fd === 3)).toMatchObject({ kind: 'preopen', rights: 0n, rightsInheriting: 0n });
    expect(granted([preopen, file], fds([3, 'close'], [5, 'close']))).toEqual([]);

    const ignored = granted([preopen, file], fds([3, 'ignore']));
    expect(ignored.map(({ fd, kind, rights }) => [fd, kind, rights])).toEqual([
      [3, 'null', 5n],
      [5, 'file', 2n | SET_TIMES],
      [4, 'preopen', 0n],
    ]);
    expect(ignored[1].preopen).toBe(4);
    expect(problems([preopen, file], { policies: new Map([[3, 'ignore']]) }).map(({ fd }) => fd)).toEqual([4]);
  });

  test('fail refuses what is not what it was', () => {
    const refused = (one: Descriptor, grants: Grants = trusted) =>
      problems([one], { ...grants, policies: new Map([[one.fd, 'fail']]) }).map(({ what }) => what);
    expect(refused(stdin)[0]).toMatch(/standard stream/);
    expect(refused(connection)[0]).toMatch(/reset by its peer/);
    expect(refused(preopen)).toEqual([]);
    expect(refused(preopen, { directories: [{ guest: '/g', host: '/new', readOnly: false }] })[0]).toMatch(/"\/host"/);
    expect(refused(preopen, { directories: [{ guest: '/g', host: '/host', readOnly: true }] })).toHaveLength(1);
    expect(refused(listener)).toEqual([]);
    expect(refused(listener, { listeners: ['0.0.0.0:81'] })[0]).toMatch(/0\.0\.0\.0:80/);
  });
});

describe('clones', () => {
  const clones = { ...trusted, clones: 2 };
  const writer = { ...file, openFlags: 2 };

  test('one alone gets what a program gets', () => {
    expect(granted(all, { ...trusted, clones: 1 })).toEqual(all);
  });

  test('several have no listener, and no file that they would write over', () => {
    expect(problems([preopen, writer, listener, { ...given, openFlags: 3 }], clones)).toEqual([
      {
        fd: 5,
        what: 'file "a/b": several clones would write over what the others write',
        mend: '--fd 5=ignore|close|PATH, or reopen if they may',
      },
      {
        fd: 7,
        what: 'listener at "0.0.0.0:80": only one of several clones can have the address',
        mend: '--fd 7=close|ignore',
      },
      {
        fd: 9,
        what: 'file "/etc/x": several clones would write over what the others write',
        mend: '--fd 9=ignore|close|PATH, or reopen if they may',
      },
    ]);
    expect(problems([listener], { ...clones, listeners: ['0.0.0.0:81'] })).toHaveLength(1);
  });

  test('what is read, appended to, or made for each is there for all', () => {
    const contents = { fileOffset: 65536, size: 1, sha256: '' };
    const shared = [
      stdin,
      preopen,
      { ...file, openFlags: 1 },
      { ...file, fd: 10, flags: 1 },
      folder,
      connection,
      given,
    ];
    expect(granted(shared, clones)).toEqual(shared);
    expect(problems([preopen, { ...writer, contents }], clones)).toEqual([]);
  });

  test.each(['reopen', 'ignore', 'close', { path: '/p' }] as const)('--fd %j is done for each', (policy) => {
    expect(problems([preopen, writer], { ...clones, policies: new Map([[5, policy]]) })).toEqual([]);
  });
});
