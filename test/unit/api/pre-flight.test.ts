/** What a host looks at before a program comes. */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OutputFiles } from '../../../src/api/output-files.js';
import { checkOutputFolder, checkSpace, PreFlight, warnOfMemory } from '../../../src/api/pre-flight.js';
import { BugError, InputError, LimitError, ToolError } from '../../../src/base/errors.js';
import { temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();

test('what is wrong is said at once, with the exit code of the first', async () => {
  const flight = new PreFlight();
  expect(await flight.look(() => 7)).toBe(7);
  flight.end();
  const limit = new LimitError('limit', 'it is too large');
  await flight.look(() => {
    throw limit;
  });
  expect(() => flight.end()).toThrow(limit);
  await flight.look(async () => {
    throw new InputError('host-state', 'files are missing:', ['  one', '  another']);
  });
  expect(() => flight.end()).toThrow(
    expect.objectContaining({
      exitCode: 4,
      code: 'pre-flight',
      headline: expect.stringMatching(/ cannot take the program, for 2 reasons:$/),
      details: ['  it is too large', '  files are missing:', '    one', '    another'],
    }),
  );
});

test('a bug is no reason of the host', async () => {
  const bug = new BugError('it is broken');
  const fails = () => {
    throw bug;
  };
  await expect(new PreFlight().look(fails)).rejects.toThrow(bug);
  await expect(new PreFlight().look(() => Promise.reject(new TypeError('no')))).rejects.toThrow(TypeError);
});

test('files can be made in the folder for output, or it can be made', ({ skip }) => {
  checkOutputFolder(join(folder, 'a/b'));
  expect(existsSync(join(folder, 'a'))).toBe(false);
  expect(() => checkOutputFolder('/dev/null/x')).toThrow('the folder for its output cannot be made');
  if (process.getuid?.() === 0) skip('root may write everywhere');
  const closed = join(folder, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0o500);
  expect(() => checkOutputFolder(closed)).toThrow('files for its output cannot be made: permission denied');
  expect(() => checkOutputFolder(join(closed, 'a/b'))).toThrow('the folder for its output cannot be made: permission');
});

test('output files of a receiver that was killed are removed', () => {
  const there = join(folder, 'killed');
  const own = new OutputFiles(there, 'job');
  own.close();
  const { pid } = spawnSync('true');
  const left = own.out.replace(`-${process.pid}-`, `-${pid}-`);
  writeFileSync(left, '');
  checkOutputFolder(there);
  expect(own.paths.map((path) => existsSync(path))).toEqual([true, true]);
  expect(existsSync(left)).toBe(false);
  writeFileSync(join(there, 'job-7.err'), 'of another program');
  own.nameAfter(7);
  expect(readdirSync(there).sort()).toEqual(['job-7-2.err', 'job-7-2.out', 'job-7.err']); // both names, or the next number
});

test('there is room for its memory, or not', () => {
  const { bavail, bsize } = statfsSync(folder);
  checkSpace(folder, Math.floor((bavail * bsize) / 2));
  expect(() => checkSpace(folder, bavail * bsize * 2)).toThrow(ToolError);
  expect(() => checkSpace(folder, bavail * bsize * 2)).toThrow('TMPDIR names another folder');
});

test('too little memory is a warning', () => {
  expect(warnOfMemory(4096)).toEqual([]);
  expect(warnOfMemory(2 ** 50)).toEqual([
    expect.stringMatching(/bytes of memory available, the program uses 11258999/),
  ]);
});
