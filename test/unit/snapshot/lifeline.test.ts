/** A lifeline is taken by one, and only where there is one: which descriptor it is says the process. */

import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Lifeline } from '../../../src/snapshot/lifeline.js';
import { temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();

test('the byte in it is for one', () => {
  const path = join(folder, 'pipe');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  expect(Lifeline.take(process.pid, fd)).toBeUndefined(); // empty: another's
  writeSync(fd, 'x');
  const lifeline = Lifeline.take(process.pid, fd);
  expect(lifeline).toBeInstanceOf(Lifeline);
  expect(Lifeline.take(process.pid, fd)).toBeUndefined();
  lifeline!.close();
  closeSync(fd);
  expect(Lifeline.take(process.pid, fd)).toBeUndefined(); // put away
});

test('anything else than a pipe is left alone', () => {
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'file'), 'text');
  for (const path of ['/dev/null', join(folder, 'folder'), join(folder, 'file')]) {
    const fd = openSync(path, 'r');
    expect(() => Lifeline.take(process.pid, fd)).toThrow('has no lifeline');
    closeSync(fd);
  }
});
