/** A lifeline is taken by one tool only, and only from a process that has one and names its descriptor. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdirSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Lifeline } from '../../../src/capture/lifeline.js';
import { ProcessFolder } from '../../../src/capture/process-folder.js';
import { temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
const self = ProcessFolder.open(process.pid);
afterAll(() => self.close());

test('the byte in it is for one', async () => {
  // Node makes no pipes: descriptor 4 of this shell is one with a byte in it, 5 one without
  const script = 'exec 5< <(exec sleep 1000) 4< <(printf x; echo >&2; exec sleep 1000); read; exec 4<&-; echo; read';
  const shell = spawn('bash', ['-c', script], { detached: true });
  const process = ProcessFolder.open(shell.pid!);
  try {
    await once(shell.stderr, 'data');
    await expect.poll(() => existsSync(process.path('fd/4'))).toBe(true);
    expect(Lifeline.take(process, 5)).toBeUndefined(); // empty: another's
    const lifeline = Lifeline.take(process, 4);
    expect(lifeline).toBeInstanceOf(Lifeline);
    expect(Lifeline.take(process, 4)).toBeUndefined();
    lifeline!.close();
    shell.stdin.write('\n');
    await once(shell.stdout, 'data');
    expect(Lifeline.take(process, 4)).toBeUndefined(); // put away
  } finally {
    globalThis.process.kill(-shell.pid!, 'SIGKILL');
    process.close();
  }
});

test('a FIFO with a name keeps its byte', () => {
  const path = join(folder, 'fifo');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  writeSync(fd, 'x');
  expect(() => Lifeline.take(self, fd)).toThrow('has no lifeline');
  expect(readSync(fd, Buffer.alloc(2))).toBe(1);
  closeSync(fd);
});

test('anything else than a pipe is left alone', () => {
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'file'), 'text');
  for (const path of ['/dev/null', join(folder, 'folder'), join(folder, 'file')]) {
    const fd = openSync(path, 'r');
    expect(() => Lifeline.take(self, fd)).toThrow('has no lifeline');
    closeSync(fd);
  }
});
