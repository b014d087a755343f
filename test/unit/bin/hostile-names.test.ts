/**
 * Names that somebody else chose, in all places where commands print them: of files, modules, functions, imports,
 * exports, arguments, directories, the host and the compiler of a snapshot. No control character may reach the
 * terminal, and no name may add lines of its own. Needs a built wag-snap (npm run build).
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeSnapshot } from '../../../bin/show/snapshot.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import { command } from '../../support/command.js';
import { temporaryFolder } from '../../support/workload.js';

const cli = resolve('bin/wag-snap');
const folder = temporaryFolder();
const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };

/** Colours, a title, a new line that looks like ours, C1, the other direction, a separator of lines. */
const EVIL = '\x1b[31mx\x1b]0;t\x07\nwag-snap: forged\r\u009b2J\u202e\u2028\x7f';
const ESCAPED = '\\u{1b}[31mx\\u{1b}]0;t\\u{7}\\u{a}wag-snap: forged\\u{d}\\u{9b}2J\\u{202e}\\u{2028}\\u{7f}';

function leb(n: number): number[] {
  return n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)];
}
const name = (text: string) => [...leb(Buffer.byteLength(text)), ...Buffer.from(text)];
const section = (id: number, body: number[]) => [id, ...leb(body.length), ...body];

/** A module with hostile names; `body` is of its only function. */
function moduleWith({ imported = false, body = [0x00] }: { imported?: boolean; body?: number[] }): Uint8Array {
  const func = imported ? 1 : 0;
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...(imported ? section(2, [1, ...name(`i${EVIL}`), ...name(`n${EVIL}`), 0, 0]) : []),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [3, ...name('_start'), 0, func, ...name(`e${EVIL}`), 0, func, ...name('memory'), 2, 0]),
    ...section(10, [1, ...leb(body.length + 2), 0, ...body, 0x0b]),
    ...section(0, [...name('name'), ...section(0, name(`m${EVIL}`)), ...section(1, [1, func, ...name(`f${EVIL}`)])]),
  ]);
}

/** Not spawnSync: the test runner wants to be answered meanwhile. */
async function wagSnap(args: readonly string[]) {
  const result = await command(process.execPath, [cli, ...args], { cwd: folder, env });
  return { ...result, all: result.stdout + result.stderr };
}

function expectHarmless(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it is about
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]/);
  expect(text).not.toMatch(/^wag-snap: forged/m);
}

const trapping = `t${EVIL}.wasm`;
const looping = `l${EVIL}.wasm`;
const importing = `i${EVIL}.wasm`;
const broken = `b${EVIL}.wasm`;
const text = `x${EVIL}.wat`;
const snapshot = `s${EVIL}.wsnap`;
const image = `img${EVIL}`;
const directory = `d${EVIL.replace('\n', '')}`;

beforeAll(async () => {
  mkdirSync(join(folder, directory));
  writeFileSync(join(folder, trapping), moduleWith({}));
  writeFileSync(join(folder, looping), moduleWith({ body: [0x03, 0x40, 0x0c, 0, 0x0b] }));
  writeFileSync(join(folder, importing), moduleWith({ imported: true, body: [0x10, 0] }));
  writeFileSync(join(folder, broken), Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0xff));
  writeFileSync(join(folder, text), `(module\n  (func (export "${EVIL.replaceAll('\n', '')}") nonsense))`);
  expect((await wagSnap(['compile', looping, '-o', image])).status).toBe(0);
  const dirs = { WAGSNAP_DIR: `${directory}::/${directory}` };
  const child = spawn(join(folder, image), [`arg${EVIL}`], {
    cwd: folder,
    env: dirs,
    argv0: `zero${EVIL}`,
    stdio: 'ignore',
  });
  await once(child, 'spawn');
  const captured = await wagSnap(['capture', String(child.pid), '-v', '--kill', '-o', snapshot]);
  expect(captured).toMatchObject({ status: 0 });
  expectHarmless(captured.stderr);
  expect(captured.stderr).toContain(`f${ESCAPED}`);
});

describe('no command lets a terminal obey a name', () => {
  test.each<[string[], RegExp | string]>([
    [['inspect', trapping], `named m${ESCAPED}`],
    [['inspect', importing], `i${ESCAPED}.n${ESCAPED}`],
    [['inspect', image], `module      m${ESCAPED}`],
    [['inspect', snapshot], `f${ESCAPED}`],
    [['inspect', snapshot], `arg${ESCAPED}`],
    [['inspect', broken], 'offset'],
    [['inspect', `none${EVIL}`], 'no such file'],
    [['run', trapping], `#0 f${ESCAPED} (m${ESCAPED}:0x`],
    [['run', '-v', '--allow-missing-imports', importing], `import i${ESCAPED}.n${ESCAPED}`],
    [['run', importing], 'unknown import'],
    [['run', '--invoke', `none${EVIL}`, trapping], `e${ESCAPED}`],
    [['run', text], 'error'],
    [['run', `none${EVIL}`], 'no such file'],
    [['run', '--dir', `none${EVIL}`, trapping], '--dir'],
    [['run', '--env', `K${EVIL}`, trapping], 'K=V'],
    [['run', '--listen', `K${EVIL}`, trapping], 'HOST:PORT'],
    [['run', '--timeout', EVIL, trapping], '--timeout'],
    [['run', '--max-memory', EVIL, trapping], '--max-memory'],
    [['run', `--${EVIL}`, trapping], '--help'],
    [['compile', importing], 'unknown import'],
    [['compile', trapping, '--dump', 'sites', '-o', '/dev/null'], `<f${ESCAPED}>`],
    [['compile', looping, '--dump', 'maps'], `<f${ESCAPED}>`],
    [['compile', trapping, '--dump', 'sections'], '.wagsnap'],
    [['compile', trapping, '--function', `none${EVIL}`, '--dump', 'asm'], 'no function'],
    [['compile', trapping, '--arch', EVIL], 'is unknown'],
    [['compile', trapping, '--cpu', EVIL], 'is unknown'],
    [['compile', trapping, '--dump', EVIL], 'dump'],
    [['compile', trapping, '-o', `none${EVIL}/x`], 'no such folder'],
    [['restore', snapshot, '-v', '-o', 'rest'], `--dir HOST::/d`],
    [['restore', snapshot, '-v', '-o', 'rest', '--same-dirs'], `module m${ESCAPED}`],
    [['restore', snapshot, '--dir', `a::b${EVIL.replaceAll('\n', '')}`], 'the snapshot has no directory'],
    [['restore', snapshot, '--fd', '77=close'], 'has no descriptor 77'],
    [['restore', snapshot, '--fd', `77${EVIL}`], '--fd'],
    [['restore', trapping], /snapshot/],
    [['coredump', trapping], /snapshot/],
    [['coredump', snapshot, '-o', `none${EVIL}/x`], 'no such folder'],
    [['capture', EVIL], 'is neither a pid nor a name'],
    [[EVIL], 'command'],
  ])('%j', async (args, expected) => {
    const { all } = await wagSnap(args);
    expectHarmless(all);
    if (typeof expected === 'string') expect(all).toContain(expected);
    else expect(all).toMatch(expected);
  });

  test('the command line that restore proposes works, and is harmless', async () => {
    const { stderr } = await wagSnap(['restore', snapshot, '-o', 'again']);
    const line = /^with what it had: wag-snap (.*)$/m.exec(stderr)?.[1];
    const result = spawnSync('bash', ['-c', `exec "$0" "$1" ${line}`, process.execPath, cli], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    expect([result.stderr, result.status]).toEqual(['', 0]);
  });

  test('a snapshot says who made it, harmlessly', async () => {
    const stored = readSnapshot(join(folder, snapshot));
    const source = { ...stored.snapshot.source, compiler: EVIL };
    const { text, json } = describeSnapshot({ ...stored, snapshot: { ...stored.snapshot, source } });
    expectHarmless(text);
    expect(text).toContain(`wag-snap ${ESCAPED}`);
    expect(json).toMatchObject({ source: { compiler: EVIL } });
  });

  test('ps and a process', async () => {
    const child = spawn(join(folder, image), [EVIL], { cwd: folder, env: {}, argv0: EVIL, stdio: 'ignore' });
    await once(child, 'spawn');
    try {
      const ps = await wagSnap(['ps']);
      expectHarmless(ps.all);
      expect(ps.stdout).toContain(ESCAPED);
      expectHarmless((await wagSnap(['inspect', String(child.pid)])).all);
      const json = await wagSnap(['ps', '--json']);
      expectHarmless(json.all);
      expect(JSON.parse(json.stdout).length).toBeGreaterThan(0);
      expectHarmless((await wagSnap(['capture', String(child.pid), '-o', '/none/x'])).all);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('--json has names as they are, escaped as JSON does', async () => {
    const { stdout } = await wagSnap(['inspect', '--json', importing]);
    expectHarmless(stdout);
    expect(JSON.parse(stdout)).toMatchObject({ name: `m${EVIL}`, imports: [{ module: `i${EVIL}`, name: `n${EVIL}` }] });
    const described = (await wagSnap(['inspect', '--json', snapshot])).stdout;
    expectHarmless(described);
    expect(JSON.parse(described)).toMatchObject({
      modules: [{ name: `m${EVIL}` }],
      host: { args: [`zero${EVIL}`, `arg${EVIL}`] },
    });
  });
});
