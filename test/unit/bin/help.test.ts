/**
 * What the tool says about itself: help, suggestions, completion, the manual page. Needs a built wag-snap (npm run
 * build).
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands, loadCommands } from '../../../bin/cli.js';
import { manPage } from '../../../bin/man-page.js';
import { commandTable } from '../../../bin/options/option-table.js';
import { command } from '../../support/command.js';
import { ownCommand } from '../../support/own-command.js';
import { sample, seed } from '../../support/sampling.js';
import { programPath, temporaryFolder } from '../../support/workload.js';

const cli = resolve('bin/wag-snap');
const folder = temporaryFolder();
const names = Object.keys(commands);
const tables = (await loadCommands(names)).map(commandTable);
const hello = programPath('hello');

/** Not spawnSync: the test runner wants to be answered meanwhile. */
async function wagSnap(args: readonly string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, ...environment };
  return command(process.execPath, [cli, ...args], { cwd: folder, env });
}

const repeats = ({ describe }: { describe: string }) => /\(may be repeated\)$/.test(describe);

describe.each(names)('%s', (name) => {
  const table = tables[names.indexOf(name)];

  test('--help has two examples of its own, in any language', async () => {
    const { stdout, stderr, status } = await wagSnap([name, '--help'], { LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8' });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^[ -~\n]+$/); // what scripts/ascii-width.mjs relies on
    const [, examples] = stdout.split('\nExamples:\n');
    expect(examples.trim().split('\n').length).toBeGreaterThanOrEqual(2);
    for (const [line] of table.examples) expect(line).toMatch(new RegExp(`^\\$0 ${name}\\b`));
    expect(await ownCommand(['help', name])).toMatchObject({
      stdout: (await ownCommand([name, '--help'])).stdout,
      status: 0,
    });
  });

  test(`an option may be repeated exactly if its help says so, seed ${seed}`, async () => {
    const options = table.options.filter((one) => one.takesValue && !one.isHidden && one.names[0] !== 'dump');
    for (const { names, describe } of sample(options, 3, (one) => String(repeats(one)))) {
      const value = names[0] === 'max-stack' ? '64K' : 'x';
      const given = [`--${names[0]}`, value, `--${names[0]}`, value];
      const { stderr, status } = await ownCommand([
        name,
        ...given,
        '/none',
        ...(['migrate', 'push', 'move', 'scale'].includes(name) ? ['/none'] : []),
      ]);
      expect([names[0], repeats({ describe })]).toEqual([names[0], !/more than once/.test(stderr)]);
      expect(status).not.toBe(70);
    }
  });
});

test.each<[string[], RegExp]>([
  [['rn'], /^wag-snap: there is no command rn; did you mean run\? \(see wag-snap --help\)\n$/],
  [['snapshot', '123'], /did you mean capture\?/],
  [['ls'], /did you mean ps\?/],
  [['hlep'], /did you mean help\?/],
  [['fly'], /^wag-snap: there is no command fly; there are:\n {2}compile <module> /],
  [['constructor'], /^wag-snap: there is no command constructor; there are:/],
  [['help', 'fly'], /there is no command fly/],
  [['help', 'rn'], /did you mean run\?/],
  [[], /^wag-snap: no command was given; there are:\n {2}compile <module> [\s\S]*\n {2}check /],
  [
    ['run', '--dri', '.', hello],
    /^wag-snap: there is no option --dri; did you mean --dir\? \(see wag-snap run --help\)\n$/,
  ],
  [['restore', 'x', '--samedirs'], /did you mean --same-dirs\?/],
  [['compile', '--detreministic', 'x'], /did you mean --deterministic\?/],
  [['run', '--zzz', hello], /there is no option --zzz \(see/],
  [['run', '--dir'], /^wag-snap: --dir needs a value: HOST/],
  [['compile', 'x', '-o'], /^wag-snap: -o needs a value: file/],
  [['compile', 'x', '--dump', 'all'], /^wag-snap: --dump "all": expected one of "asm", "sites", "maps", "sections"/],
  [['inspect'], /^wag-snap: inspect needs a file, the pid or name of a process, or NAME:TAG of a store /],
  [['inspect', 'a', 'b'], /^wag-snap: one argument too many for inspect: b/],
  [['ps', 'x'], /one argument too many for ps: x/],
  [['completion', 'fish'], /bash, or zsh/],
])('%j', async (args, message) => {
  const { stdout, stderr, status } = await wagSnap(args);
  expect(stderr).toMatch(message);
  expect([status, stdout]).toEqual([2, '']);
});

test('a file in the place of a command is run by run', async () => {
  expect((await wagSnap([hello])).stderr).toContain(`; to run the file: wag-snap run ${hello}`);
});

test('help, help help, version', async () => {
  const { stdout } = await wagSnap(['--help']);
  for (const name of names) expect(stdout).toContain(`wag-snap ${name}`);
  for (const args of [['help'], ['help', 'help'], ['-h']])
    expect(await wagSnap(args)).toEqual({ stdout, stderr: '', status: 0 });
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const args of [['version'], ['--version']])
    expect(await wagSnap(args)).toMatchObject({ stdout: `${version}\n`, status: 0 });
});

test('options after the program are the program’s', async () => {
  for (const args of [
    [hello, '--help'],
    ['--', hello, '--version'],
    [hello, '--', '-x'],
    [hello, '--no-such-option'],
  ]) {
    expect(await wagSnap(['run', ...args])).toEqual({ stdout: 'hello world\n', stderr: '', status: 0 });
  }
});

describe('completion', () => {
  test('completes commands and options', async () => {
    const words = async (...line: string[]) =>
      (await wagSnap(['--get-yargs-completions', 'wag-snap', ...line])).stdout.split('\n');
    expect(await words('re')).toContain('restore');
    expect(await words('run', '--d')).toEqual(expect.arrayContaining(['--dir', '--deterministic']));
    expect(await words('run', '--d')).not.toContain('--v');
  });

  test('prints a script that the shell takes', async () => {
    for (const shell of ['bash', 'zsh']) {
      const { stdout, status } = await wagSnap(['completion', shell]);
      expect(status).toBe(0);
      expect(stdout).toContain('--get-yargs-completions');
      expect(stdout.startsWith('#compdef')).toBe(shell === 'zsh');
      if (shell === 'bash') expect(spawnSync('bash', ['-n'], { input: stdout }).status).toBe(0);
    }
  });
});

describe('the manual page', () => {
  test('has every command and every option, and is in the package', async () => {
    const page = await manPage();
    const plain = page.replaceAll('\\-', '-');
    for (const { command, options } of tables) {
      expect(plain).toContain(`.SS ${command}\n`);
      const section = plain.slice(plain.indexOf(`.SS ${command}\n`));
      for (const { names, isHidden } of options) {
        if (!isHidden) expect(section.slice(0, section.indexOf('\n.S', 1))).toContain(`--${names[0]}`);
      }
    }
    const { man } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(readFileSync(man, 'utf8')).toBe(page);
  });

  test.skipIf(!existsSync('/usr/bin/groff'))('is roff', () => {
    const { stderr, status } = spawnSync('groff', ['-man', '-Tutf8', '-ww', 'dist/wag-snap.1'], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});
