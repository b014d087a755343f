/**
 * Invalid parents: a FIFO, links in a circle, the snapshot itself, a folder, another program's snapshot. Each gives one
 * clear error in everything that reads a chain or captures to one; nothing waits, and nothing is written.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { compact, openSnapshot, restoreImage, ToolError, verify, WagSnapError } from '../../../src/api/index.js';
import { readParent } from '../../../src/api/read-parent.js';
import { nativeArch } from '../../support/native-arch.js';
import { temporaryFolder } from '../../support/workload.js';

const fixtures = resolve('fixtures/snapshots/v3', nativeArch);
const root = temporaryFolder();
let folder: string;
let count = 0;
const at = (name: string) => join(folder, name);

beforeEach(() => {
  folder = join(root, `case-${count++}`);
  mkdirSync(at('out'), { recursive: true });
  copyFileSync(join(fixtures, 'generations.wsnap'), at('it.wsnap'));
});

/** All that reads a chain. A snapshot that is only looked at may lack its parents. */
const readers: [string, (parents?: string[]) => Promise<unknown>][] = [
  ['verify', (parents) => verify(at('it.wsnap'), { parents })],
  ['compact', (parents) => compact(at('it.wsnap'), { to: at('out/one.wsnap'), parents })],
  ['restore', (parents) => restoreImage(at('it.wsnap'), { to: at('out/image'), parents })],
  ['coredump', async (parents) => (await openSnapshot(at('it.wsnap'), { parents })).coredump({ to: at('out/core') })],
];

const kinds: [string, (path: string) => void, RegExp][] = [
  ['a FIFO', (path) => expect(spawnSync('mkfifo', [path]).status).toBe(0), /: not a regular file$/],
  [
    'a link to itself',
    (path) => symlinkSync(path, path),
    /: cannot be read: its symbolic links lead in a circle, or are too many$/,
  ],
  [
    'a circle of links',
    (path) => {
      symlinkSync('other', path);
      symlinkSync(path, at('other'));
    },
    /: cannot be read: its symbolic links lead in a circle, or are too many$/,
  ],
  ['a link to nothing', (path) => symlinkSync('nothing', path), /: no such file$/],
  ['a folder', (path) => mkdirSync(path), /: not a regular file$/],
  ['a text', (path) => writeFileSync(path, 'text'), /: not a snapshot: the magic number is missing$/],
  ['an empty file', (path) => writeFileSync(path, ''), /: not a snapshot/],
  ['/dev/null by another name', (path) => symlinkSync('/dev/null', path), /: not a regular file$/],
];

/** One line, with the file's name first; more lines only list what is missing. */
async function refused(act: () => Promise<unknown>, message: RegExp): Promise<void> {
  const error = await act().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(WagSnapError);
  const { headline, exitCode } = error as WagSnapError;
  expect(headline).toMatch(message);
  expect(headline).not.toContain('\n');
  expect(exitCode).toBe(error instanceof ToolError ? 1 : 3);
  expect(readdirSync(at('out'))).toEqual([]);
}

describe.each(kinds)('%s', (_, make, message) => {
  test.each(readers)('as a parent that was given: %s', async (_, read) => {
    make(at('parent'));
    await refused(() => read([at('parent')]), message);
  });

  test.each(readers)('by the name of a parent: %s', async (_, read) => {
    make(at('generations-1.wsnap'));
    await refused(() => read(), /it is a difference to 2 files that are missing|: cannot be read: /);
  });

  test('as the parent of a capture', async () => {
    make(at('parent'));
    await refused(() => readParent(at('parent')), message);
  });
});

test.each(readers)('the snapshot itself: %s', async (_, read) => {
  await refused(() => read([at('it.wsnap')]), /it\.wsnap: is no parent of .*it\.wsnap: it needs generations-1\.wsnap/);
  copyFileSync(at('it.wsnap'), at('generations-1.wsnap'));
  copyFileSync(at('it.wsnap'), at('generations-0.wsnap'));
  await refused(() => read(), /it is a difference to 2 files that are missing/);
});

test('a parent whose own parents are missing', async () => {
  await refused(() => readParent(at('it.wsnap')), /it\.wsnap: it is a difference to 2 files that are missing/);
});
