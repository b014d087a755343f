/** A signal before a command cares for it ends the command; Node would open its debugger for SIGUSR1. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/workload.js';

test('SIGUSR1 while the module is read', async () => {
  const fifo = join(temporaryFolder(), 'module');
  spawnSync('mkfifo', [fifo]);
  const tool = spawn(process.execPath, [resolve('bin/wag-snap'), 'run', '--snapshot-on', 'SIGUSR1', '-t', 'job', fifo]);
  let text = '';
  tool.stderr.setEncoding('utf8').on('data', (data: string) => (text += data));
  const ended = once(tool, 'exit');
  const writer = await whenRead(fifo);
  tool.kill('SIGUSR1');
  writeSync(writer, 'no module');
  closeSync(writer);
  await ended;
  expect(text).not.toMatch(/Debugger/);
});

/** Opens a FIFO for writing, once somebody has opened it for reading. */
async function whenRead(fifo: string): Promise<number> {
  for (;;) {
    try {
      return openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
      await sleep(5);
    }
  }
}
