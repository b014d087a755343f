/**
 * Runs in the virtual machine. Compiles programs, captures each after its first line of output, restores it as a file,
 * captures that after its next line, and continues with the second snapshot. Prints the outcome, one JSON object on
 * each line.
 */

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const MARK = '[there] ';
const [command, ...programs] = process.argv.slice(2);
for (const program of programs) console.log(`${MARK}${JSON.stringify(await captureTwice(program.split(',')))}`);

/** @returns what the three pieces printed, how the last ended, and the snapshots, compressed */
async function captureTwice([module, ...args]) {
  const started = Date.now();
  wagSnap('compile', module, '-o', '/tmp/image');
  const first = await captureAfterLine(['/tmp/image', ...args], '/tmp/first.wsnap');
  wagSnap('restore', '/tmp/first.wsnap', '-o', '/tmp/resumable');
  const second = await captureAfterLine(['/tmp/resumable'], '/tmp/second.wsnap');
  const { stdout, status } = spawnSync(process.execPath, [command, 'restore', '/tmp/second.wsnap'], {
    encoding: 'utf8',
  });
  const snapshots = ['first', 'second'].map((name) => gzipSync(readFileSync(`/tmp/${name}.wsnap`)).toString('base64'));
  return {
    module,
    args,
    pieces: [first, second, stdout],
    code: status,
    snapshots,
    seconds: (Date.now() - started) / 1000,
  };
}

/** Starts a program; captures and ends it when it has printed a line. @returns everything that it printed */
async function captureAfterLine([program, ...args], snapshot) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let captured = false;
  let text = '';
  for await (const data of child.stdout.setEncoding('utf8')) {
    text += data;
    if (captured || !text.includes('\n')) continue;
    captured = true;
    wagSnap('capture', String(child.pid), '-v', '--kill', '-o', snapshot);
  }
  if (!captured) throw new Error(`${program} ended before it was captured`);
  return text;
}

/** Output is the console's. */
function wagSnap(...args) {
  console.log(`$ wag-snap ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, [command, ...args], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`exit code ${status}`);
}
