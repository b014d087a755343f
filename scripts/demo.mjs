/**
 * `npm run demo`: shows the main job, on a fresh machine too. Compiles a program to a native executable and runs it.
 * Then runs it again, captures it by its pid on the way and ends it, continues from the file as a program for the other
 * CPU (through qemu-user; without that, on this CPU), captures it there and brings it back. Prints both outputs side by
 * side. Leaves its files in build/demo, and can be repeated.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { ensureBuilt, helpAndExit, root } from './setup.mjs';

helpAndExit(`npm run demo [-- hosts|lattice]

Compiles a program, runs it, captures it on the way, continues from the snapshot on the other CPU (with qemu-user; without
it, on this one), brings it back, and shows both outputs side by side. Leaves its files in build/demo.

hosts: moves a running program to another host and back, by TLS; both are this machine.
lattice: a NATS server and three nodes, all of them this machine: jobs go on when a node is drained or killed.`);
if (process.argv[2] === 'hosts') process.exit(await (await import('./demo-hosts.mjs')).demoHosts());
if (process.argv[2] === 'lattice') process.exit(await (await import('./demo-lattice.mjs')).demoLattice());
if (process.argv.length > 2) {
  console.error(
    `npm run demo takes no argument but hosts and lattice, not ${process.argv[2]}: see npm run demo -- --help`,
  );
  process.exit(2);
}

const folder = `${root}/build/demo`;
const module = 'fixtures/programs/sha256.wasm';
/** KiB to hash: takes two seconds on an idle machine, more where starting the tool takes longer. */
let size = 400_000;
/** How many of the program's nine lines are printed before each capture. */
const LINES_BEFORE = 2;
/**
 * The captured run must last at least this many times as long as `wag-snap compile` took on this machine just now.
 */
const LONGER = 10;
/** How many characters of a line are shown when the lines are alike. */
const SHOWN = 44;
const image = 'build/demo/sha256';
const [here, there] = process.arch === 'arm64' ? ['arm64', 'x64'] : ['x64', 'arm64'];

console.log('Setting up: packages, build…');
ensureBuilt();
const { findEmulator } = await import(`${root}/dist/src/api/launch.js`);
const crosses = findEmulator(there) !== undefined;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

say(`wag-snap compile ${module} -o ${image}`);
const toolTime = timed(() => wagSnap(['compile', module, '-o', image]));
console.log(`  a static executable of ${kib(image)}`);

let whole;
let legs;
for (let attempt = 1; ; attempt++) {
  whole = await runWhole();
  legs = await runLegs(whole.lines.length);
  if (legs !== undefined) break;
  if (attempt === 3) fail('this machine is too busy for the demo');
  console.log('  it had ended by itself: once more, with more to do');
  size *= 4;
}

const broken = legs.flatMap(({ lines }) => lines);
const same = whole.lines.join('\n') === broken.join('\n') && whole.code === legs.at(-1).code;
const shown = (line = '') => (same && line.length > SHOWN ? `${line.slice(0, SHOWN - 1)}…` : line);
const width = Math.max(...whole.lines.map((line) => shown(line).length), 20) + 3;
console.log(`\n${'in one piece'.padEnd(width)}captured and restored`);
const left = [...whole.lines];
for (const [index, { arch, lines }] of legs.entries()) {
  console.log(`${''.padEnd(width)}-- ${index === 0 ? 'started' : 'captured, ended, restored'} on ${arch} --`);
  for (const line of lines) console.log(`${shown(left.shift()).padEnd(width)}${shown(line)}`);
}
for (const line of left) console.log(line);
console.log(same ? '\nThe same output and the same exit code.' : '\nThey differ: this is a bug.');
if (!crosses) {
  console.log(`\nTo see it continue on ${there}, install qemu-user-static (Debian: apt-get install qemu-user-static).`);
}
process.exitCode = same ? 0 : 1;

/** Runs the program in one piece. Repeats it with more work if it was too fast to be captured. */
async function runWhole() {
  for (;;) {
    say(`${image} ${size}`);
    const start = performance.now();
    const result = await started(`${root}/${image}`, [String(size)]).ended;
    const time = performance.now() - start;
    console.log(`  ${result.lines.length} lines, exit code ${result.code}`);
    if (time >= toolTime * LONGER) return result;
    size *= Math.ceil((toolTime * LONGER) / time);
    console.log('  too fast to be captured at leisure: once more, with more to do');
  }
}

/**
 * Runs the program in pieces: all but the last one are captured and ended.
 * @returns what each printed; undefined when one printed the last of all `total` lines before it was captured
 */
async function runLegs(total) {
  const results = [];
  let missing = total;
  let command = ['run', '-v', module, '--', String(size)];
  for (const arch of crosses ? [here, there] : [here]) {
    say(`wag-snap ${command.join(' ')} &`);
    const running = wagSnapStarted(command);
    const pid = await running.pid();
    console.log(`  pid ${pid}`);
    await running.linesPrinted(LINES_BEFORE);

    const snapshot = `${image}-${arch}.wsnap`;
    say(`wag-snap capture ${pid} --kill -v -o ${snapshot}`);
    const captured = wagSnap(['capture', pid, '--kill', '-v', '-o', snapshot], false);
    const result = await running.ended;
    missing -= result.lines.length;
    if (!captured && missing > 0) fail('capture failed');
    if (!captured) return undefined;
    console.log(`  ended after ${result.lines.length} lines on ${arch}; the snapshot has ${kib(snapshot)}`);
    results.push({ arch, ...result });
    command = arch === here && crosses ? ['restore', '-v', '--arch', there, snapshot] : ['restore', snapshot];
  }
  say(`wag-snap ${command.join(' ')}`);
  const result = await wagSnapStarted(command).ended;
  console.log(`  ${result.lines.length} more lines, exit code ${result.code}`);
  results.push({ arch: here, ...result });
  return results;
}

function kib(path) {
  return `${Math.round(statSync(`${root}/${path}`).size / 1024)} KiB`;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function wagSnapStarted(args) {
  return started(process.execPath, ['bin/wag-snap', ...args]);
}

/** Takes the time, in milliseconds. */
function timed(action) {
  const start = performance.now();
  action();
  return performance.now() - start;
}

function say(command) {
  console.log(`\n$ ${command}`);
}

/** Runs wag-snap to its end, with its output indented. @returns whether it succeeded; ends the demo if it `must` */
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
    fail(`cannot start ${command}: ${error.message}`);
  });
  let over = false;
  const ended = new Promise((done) => {
    child.on('close', (code) => {
      over = true;
      changed();
      done({ code, lines: stdout.split('\n').slice(0, -1) });
    });
  });
  const failed = () => fail(`${command} ${args.join(' ')} ended too early:\n${stderr}`);
  return {
    ended,
    pid: () => until(() => /^pid (\d+)$/m.exec(stderr)?.[1] ?? (over && failed())),
    linesPrinted: (count) => until(() => stdout.split('\n').length > count || (over && failed())),
  };
}
