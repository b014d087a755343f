/** What a program prints is sent on in order and whole; one that prints faster than is sent waits; captures do not. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LogSender, PIECE } from '../../../src/api/node-log.js';
import { OutputPipes, PIPE_MAX } from '../../../src/api/output-pipes.js';
import { temporaryFolder } from '../../support/workload.js';

const MEBI = 1 << 20;

/** A process that prints so many bytes, and then waits. */
function printer(pipes: OutputPipes, bytes: number): ChildProcess {
  const command = `yes 0123456 | head -c ${bytes}; exec sleep 1000`;
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', ...pipes.descriptors] });
  pipes.close();
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test('everything that was printed is sent, in order, both streams', async () => {
  const folder = temporaryFolder();
  const pipes = await OutputPipes.make(folder);
  expect(readdirSync(folder)).toEqual([]);
  const said = { stdout: '', stderr: '' };
  const log = new LogSender(pipes.readers, async (stream, data) => {
    said[stream] += Buffer.from(data).toString('latin1');
    return true;
  });
  writeSync(pipes.descriptors[0], 'first\n');
  writeSync(pipes.descriptors[1], 'error\n');
  await log.flushed();
  expect(said).toEqual({ stdout: 'first\n', stderr: 'error\n' });
  writeSync(pipes.descriptors[0], 'second\n');
  pipes.close();
  await log.finish();
  expect(said.stdout).toBe('first\nsecond\n');
  await log.flushed();
});

test('a program that prints faster than is sent waits, and a capture does not wait for it', async () => {
  const pipes = await OutputPipes.make(temporaryFolder());
  const child = printer(pipes, 8 * MEBI);
  let isOpen = false;
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = () => {
      isOpen = true;
      resolve();
    };
  });
  let [bytes, largest] = [0, 0];
  const log = new LogSender(pipes.readers, async (_, data) => {
    bytes += data.length;
    largest = Math.max(largest, data.length);
    if (bytes >= PIECE && !isOpen) await opened;
    return true;
  });
  while (bytes < PIECE) await new Promise((resolve) => setTimeout(resolve, 10));
  const before = bytes;
  const flushed = log.flushed();
  open();
  await flushed;
  expect(bytes - before).toBeLessThanOrEqual(PIPE_MAX + 4 * PIECE); // not all of it
  expect(largest).toBeLessThanOrEqual(PIECE);
  while (bytes < 8 * MEBI) await new Promise((resolve) => setTimeout(resolve, 10));
  await end(child);
  await log.finish();
  expect(bytes).toBe(8 * MEBI);
});

test('what is not wanted any more ends at once, however much more is printed', async () => {
  const pipes = await OutputPipes.make(temporaryFolder());
  const child = printer(pipes, 8 * MEBI);
  let count = 0;
  const log = new LogSender(pipes.readers, async () => ++count < 3);
  await log.done;
  expect(count).toBe(3);
  await end(child);
});

test('a process that was not started says why', async () => {
  const pipes = await OutputPipes.make(temporaryFolder());
  expect(pipes.said()).toBe('it has ended');
  writeSync(pipes.descriptors[1], 'no memory\nmore\n');
  expect(pipes.said()).toBe('no memory');
  pipes.close();
  pipes.remove();
  await expect(OutputPipes.make('/nonexistent')).rejects.toThrow('/nonexistent: pipes for its output cannot be made');
});
