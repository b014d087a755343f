/** How a held program ends is told, also of one that is over before it is known that it had begun. */

import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { Held } from '../../../src/api/held-program.js';

const END = { code: 3, signal: null };

function held(): { program: Held; exit: () => void; socket: Duplex } {
  const child = Object.assign(new EventEmitter(), { pid: 1, stdin: null, unref: () => {} });
  const socket = new Duplex({ read: () => {}, write: (_bytes, _encoding, done) => done() });
  const files = { out: 'out', paths: ['out', 'err'], nameAfter: () => {} } as never;
  const program = new Held(child as unknown as ChildProcess, socket, false, files, undefined);
  return { program, socket, exit: () => child.emit('exit', END.code, END.signal) };
}

test.each(['after', 'before'])('its end comes %s the news that it has begun', async (when) => {
  const { program, exit, socket } = held();
  const begun = program.begin();
  if (when === 'before') exit();
  socket.push('s');
  expect(await begun).toBe(true);
  if (when === 'after') exit();
  expect(await program.ended).toEqual(END);
});

test('one that ends and has not begun says so', async () => {
  const { program, exit, socket } = held();
  const begun = program.begin();
  exit();
  socket.destroy();
  expect(await begun).toBe(false);
  expect(await Promise.race([program.ended, new Promise((resolve) => setImmediate(resolve, 'open'))])).toBe('open');
});
