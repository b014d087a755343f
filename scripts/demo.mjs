/**
 * `npm run demo`: the main job, on a fresh machine too. Compiles a program to a native executable and runs it; runs it
 * again, captures it by its pid in the middle, ends it, restores it from the file; prints both outputs side by side.
 * Leaves its files in build/demo; may be run as often as you like.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { ensureBuilt, root } from './setup.mjs';

const folder = `${root}/build/demo`;
const module = 'fixtures/programs/nbody.wasm';
/** Steps that the program simulates: two seconds on an idle machine, more where starting the tool takes longer. */
let size = 40_000_000;
/** Of its eleven lines, as many are printed before it is captured. */
const LINES_BEFORE = 4;
/** The run that is captured lasts at least so many times as long as `wag-snap compile` took on this machine just now. */
const LONGER = 8;
const image = 'build/demo/nbody';
const snapshot = 'build/demo/nbody.wsnap';

console.log('Setting up: packages, build…');
ensureBuilt();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

say(`wag-snap compile ${module} -o ${image}`);
const toolTime = timed(() => wagSnap(['compile', module, '-o', image]));
console.log(`  a static executable of ${Math.round(statSync(`${root}/${image}`).size / 1024)} KiB`);

const { whole, before } = await runAndCapture();

say(`wag-snap restore ${snapshot}`);
const after = await started(process.execPath, ['bin/wag-snap', 'restore', snapshot]).ended;
console.log(`  ${after.lines.length} more lines, exit code ${after.code}\n`);

const broken = [...before.lines, ...after.lines];
const width = Math.max(...whole.lines.map((line) => line.length), 20) + 3;
console.log(`${'in one piece'.padEnd(width)}captured and restored`);
for (let i = 0; i < Math.max(whole.lines.length, broken.length); i++) {
  if (i === before.lines.length) console.log(`${''.padEnd(width)}-- captured, ended, restored --`);
  console.log(`${(whole.lines[i] ?? '').padEnd(width)}${broken[i] ?? ''}`);
}
const same = whole.lines.join('\n') === broken.join('\n') && whole.code === after.code;
console.log(same ? '\nThe same output and the same exit code.' : '\nThey differ: this is a bug.');
process.exitCode = same ? 0 : 1;

/** Runs the program in one piece, then again with a capture on the way; with more to do when it was too fast for that. */
async function runAndCapture() {
  for (;;) {
    say(`${image} ${size}`);
    const start = performance.now();
    const whole = await started(`${root}/${image}`, [String(size)]).ended;
    const time = performance.now() - start;
    console.log(`  ${whole.lines.length} lines, exit code ${whole.code}`);
    if (time < toolTime * LONGER) {
      size *= Math.ceil((toolTime * LONGER) / time);
      console.log('  too fast to be captured at leisure: once more, with more to do');
      continue;
    }
    say(`wag-snap run -v ${module} -- ${size} &`);
    const first = started(process.execPath, ['bin/wag-snap', 'run', '-v', module, '--', String(size)]);
    const pid = await first.pid();
    console.log(`  pid ${pid}`);
    await first.linesPrinted(LINES_BEFORE);

    say(`wag-snap capture ${pid} --kill -v -o ${snapshot}`);
    const captured = wagSnap(['capture', String(pid), '--kill', '-v', '-o', snapshot], false);
    const before = await first.ended;
    if (captured) {
      const { size: bytes } = statSync(`${root}/${snapshot}`);
      console.log(`  ended after ${before.lines.length} lines; the snapshot has ${bytes} bytes`);
      return { whole, before };
    }
    if (before.lines.length < whole.lines.length || size > 1e10) process.exit(1);
    console.log('  it had ended by itself: once more, with more to do');
    size *= 4;
  }
}

/** Milliseconds. */
function timed(action) {
  const start = performance.now();
  action();
  return performance.now() - start;
}

function say(command) {
  console.log(`\n$ ${command}`);
}

/** Runs wag-snap to its end, with what it says indented. @returns whether it succeeded; ends the demo if it `must` */
function wagSnap(args, must = true) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/wag-snap', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  const said = (stdout + stderr).trimEnd();
  if (said) console.log(said.replace(/^/gm, '  '));
  if (status !== 0) console.error(`wag-snap ${args[0]} failed with exit code ${status}`);
  if (status !== 0 && must) process.exit(1);
  return status === 0;
}

/** Starts a command. `pid` resolves with the number that -v prints, linesPrinted(n) when n lines have come. */
function started(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const watchers = new Set();
  const until = (condition) =>
    new Promise((done) => {
      const watch = () => {
        const value = condition();
        if (!value) return;
        watchers.delete(watch);
        done(value);
      };
      watchers.add(watch);
      watch();
    });
  const changed = () => {
    for (const watch of watchers) watch();
  };
  child.stdout.on('data', (data) => {
    stdout += data;
    changed();
  });
  child.stderr.on('data', (data) => {
    stderr += data;
    changed();
  });
  child.on('error', (error) => {
    console.error(`cannot start ${command}: ${error.message}`);
    process.exit(1);
  });
  let over = false;
  const ended = new Promise((done) => {
    child.on('close', (code) => {
      over = true;
      changed();
      done({ code, lines: stdout.split('\n').slice(0, -1) });
    });
  });
  const failed = () => {
    console.error(`${command} ${args.join(' ')} ended too early:\n${stderr}`);
    process.exit(1);
  };
  return {
    ended,
    pid: () => until(() => /^pid (\d+)$/m.exec(stderr)?.[1] ?? (over && failed())),
    linesPrinted: (count) => until(() => stdout.split('\n').length > count || (over && failed())),
  };
}
