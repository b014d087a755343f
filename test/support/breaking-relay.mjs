/**
 * Stands between `migrate` and the receiver that it starts, and passes on what they say, up to one message. There it
 * strikes once. Starts as: relay.mjs OPTIONS-AS-JSON COMMAND [ARG…]
 *
 * options: `from` ('source' or 'target'), `kind` of the message, `file` of a piece; `passed`, whether the message still
 * arrives; `fault`; `done`, a file that it makes when both sides are through.
 */

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const [text, program, ...args] = process.argv.slice(2);
const { from, kind, file, passed, fault, done } = JSON.parse(text);
const HEAD = 5;
/** Of a side that is suspended while the other one goes on. */
const SUSPENDED = 500;
const source = process.ppid;
const target = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
let isSilent = false;
let isGivenUp = false;

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended
  }
}

const faults = {
  'source is killed': () => signal(source, 'SIGKILL'),
  'target is killed': () => signal(target.pid, 'SIGKILL'),
  'source sleeps': () => {
    signal(source, 'SIGSTOP');
    setTimeout(() => signal(source, 'SIGCONT'), SUSPENDED);
  },
  // until the source has given it up, which it may have done already
  'target sleeps': () => isGivenUp || signal(target.pid, 'SIGSTOP'),
  'nothing passes': () => {
    isSilent = true;
  },
  'link closes': () => {
    isSilent = true;
    target.stdin.end();
    process.stdout.end();
  },
};

function relay(side, input, output) {
  let rest = Buffer.alloc(0);
  input.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= HEAD && rest.length >= HEAD + rest.readUInt32LE(0)) {
      const frame = rest.subarray(0, HEAD + rest.readUInt32LE(0));
      rest = rest.subarray(frame.length);
      const isIt = side === from && frame[4] === kind && (file === undefined || frame[HEAD] === file);
      if (isIt && !struck && !passed) strike();
      if (!isSilent) output.write(frame);
      if (isIt && !struck) strike();
    }
  });
  input.on('end', () => output.end());
  input.on('error', () => output.end());
  output.on('error', () => {});
}

let struck = false;
function strike() {
  struck = true;
  faults[fault]();
}

relay('source', process.stdin, target.stdin);
relay('target', target.stdout, process.stdout);
function giveUp() {
  isGivenUp = true;
  signal(target.pid, 'SIGCONT');
  target.stdin.end();
}
process.stdin.on('end', giveUp);
process.on('SIGTERM', giveUp); // the source ends a link on which it has never heard anything
target.on('exit', () => {
  process.stdout.end();
  process.stdin.destroy();
  writeFileSync(done, struck ? 'struck' : '');
});
