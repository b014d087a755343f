/**
 * A slow link between `migrate` and the receiver that it starts: all bytes arrive later, and only so many a second.
 * Starts as: slow-relay.mjs LATENCY-IN-MS BYTES-PER-SECOND COMMAND [ARG…]
 */

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const [latency, rate, program, ...args] = process.argv.slice(2);
/** A larger piece would arrive as a whole, after all of it was sent. */
const PIECE = 4096;
const target = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });

/** Milliseconds until this time. */
const until = (time) => sleep(Math.max(0, time - performance.now()));

async function relay(input, output) {
  output.on('error', () => {}); // it is gone: nobody needs what comes
  let arrived = Promise.resolve();
  let sent = 0;
  for await (const data of input) {
    for (let at = 0; at < data.length; at += PIECE) {
      const piece = data.subarray(at, at + PIECE);
      sent = Math.max(sent, performance.now()) + (piece.length / Number(rate)) * 1000;
      const due = sent + Number(latency);
      arrived = arrived.then(() => until(due)).then(() => void output.write(piece));
    }
    await until(sent); // nothing more fits into the link
  }
  await arrived;
  output.end();
}

relay(process.stdin, target.stdin).catch(() => target.stdin.end());
relay(target.stdout, process.stdout).catch(() => process.stdout.end());
