/**
 * `node scripts/arm64-kernel/captures.mjs KERNEL [CPU]`: captures on a real ARM64 kernel, with the shipped command and
 * an ARM64 Node in the virtual machine (capture-there.mjs). Each snapshot continues there, and here on both CPUs. All
 * must print what an uninterrupted run here prints. Not part of CI. For KERNEL and CPU see run.mjs. Needs what run.mjs
 * needs, and `fetch.sh node`.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ensureBuilt, root } from '../setup.mjs';
import { boot, folder as machineFolder } from './machine.mjs';
import { PACKAGE, PROLOGUE, packageFiles } from './package-files.mjs';

const MARK = '[there] ';
const MINUTES = 30;
const ARCHES = ['x64', 'arm64'];
const folder = `${machineFolder}/captures`;
const here = 'scripts/arm64-kernel';
/** Modules below the package, and arguments: enough work to start the command twice meanwhile, on a slow machine. */
const programs = [
  ['fixtures/programs/sha256.wasm', '1500000'],
  [`${here}/alive.wat`, ...'xx'],
  ['fixtures/programs/clock.wasm', ...'xxxxx'],
];

const [kernel, cpu = 'cortex-a53'] = process.argv.slice(2);
if (kernel === undefined) {
  console.error('usage: node scripts/arm64-kernel/captures.mjs KERNEL [CPU]');
  process.exit(2);
}
if (process.env.WAGSNAP_BUILT !== '1') ensureBuilt();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const files = packageFiles();
for (const name of ['capture-there.mjs', 'alive.wat']) {
  files[`${PACKAGE}/${here}/${name}`] = readFileSync(`${root}/${here}/${name}`);
}
const words = programs.map((command) => command.join(','));
files['captures.sh'] = `${PROLOGUE}exec node ${here}/capture-there.mjs bin/wag-snap ${words.join(' ')}\n`;
const lines = ['run /bin/sh /captures.sh'];
const show = (line) => (line.startsWith(MARK) ? undefined : line);
const output = await boot({ kernel, cpu, lines, files, minutes: MINUTES, megabytes: 4096, show });
const results = output.split('\n').filter((line) => line.startsWith(MARK));
let failed = results.length !== programs.length;
if (failed) console.log('the virtual machine has not captured all programs');
for (const line of results) judge(JSON.parse(line.slice(MARK.length)));
process.exitCode = failed ? 1 : 0;

function judge({ module, args, pieces, code, snapshots, seconds }) {
  const whole = wagSnap('run', `${root}/${module}`, ...args);
  console.log(`${module}: captured twice there, ${seconds.toFixed(0)} s`);
  expectSame(
    `  ${pieces.map((text) => text.split('\n').length - 1).join(' + ')} lines there`,
    { stdout: pieces.join(''), code },
    whole,
  );
  snapshots.forEach((text, i) => {
    const path = `${folder}/${module.replace(/.*\/|\..*/g, '')}-${i}.wsnap`;
    writeFileSync(path, gunzipSync(Buffer.from(text, 'base64')));
    for (const arch of ARCHES) {
      const rest = wagSnap('restore', path, '--arch', arch);
      const stdout = pieces.slice(0, i + 1).join('') + rest.stdout;
      expectSame(`  snapshot ${i + 1}, restored here on ${arch}`, { ...rest, stdout }, whole);
    }
  });
}

function expectSame(what, got, wanted) {
  const same = got.stdout === wanted.stdout && got.code === wanted.code;
  console.log(`${what}: ${same ? 'same' : `DIFFERS: ${JSON.stringify(got)}\ninstead of ${JSON.stringify(wanted)}`}`);
  if (!same) failed = true;
}

function wagSnap(...args) {
  const { stdout, status } = spawnSync(process.execPath, [`${root}/bin/wag-snap`, ...args], { encoding: 'utf8' });
  return { stdout, code: status };
}
