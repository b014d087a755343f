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
const size = '20000000';
const image = 'build/demo/nbody';
const snapshot = 'build/demo/nbody.wsnap';

console.log('Setting up: packages, build…');
ensureBuilt();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

say(`wag-snap compile ${module} -o ${image}`);
wagSnap(['compile', module, '-o', image]);
console.log(`  a static executable of ${Math.round(statSync(`${root}/${image}`).size / 1024)} KiB`);

say(`${image} ${size}`);
const whole = await start(`${root}/${image}`, [size]).ended;
console.log(`  ${whole.lines.length} lines, exit code ${whole.code}`);

say(`wag-snap run -v ${module} -- ${size} &`);
const first = start(process.execPath, ['bin/wag-snap', 'run', '-v', module, '--', size]);
const pid = await first.pid();
console.log(`  pid ${pid}`);
await first.linesPrinted(Math.floor(whole.lines.length / 2));

say(`wag-snap capture ${pid} --kill -v -o ${snapshot}`);
wagSnap(['capture', String(pid), '--kill', '-v', '-o', snapshot]);
const before = await first.ended;
console.log(
  `  ended after ${before.lines.length} lines; the snapshot has ${statSync(`${root}/${snapshot}`).size} bytes`,
);

say(`wag-snap restore ${snapshot}`);
const after = await start(process.execPath, ['bin/wag-snap', 'restore', snapshot]).ended;
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

function say(command) {
  console.log(`\n$ ${command}`);
}

/** Runs wag-snap to its end, with what it says indented; ends the demo when it fails. */
function wagSnap(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/wag-snap', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  const said = (stdout + stderr).trimEnd();
  if (said) console.log(said.replace(/^/gm, '  '));
  if (status === 0) return;
  console.error(`wag-snap ${args[0]} failed with exit code ${status}`);
  process.exit(1);
}

/** Starts a command. `pid` resolves with the number that -v prints, linesPrinted(n) when n lines have come. */
function start(command, args) {
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
