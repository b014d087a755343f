/** Modules that come by a pipe are compiled while they are read: seen in trace lines, as the pipe stands still. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { decodeModule } from '../../src/wasm/decode.js';
import { Output } from '../support/waiting.js';

const root = join(import.meta.dirname, '../..');
const tool = join(root, 'bin/wag-snap');
const program = join(root, 'fixtures/programs/hello.wasm');
const bytes = readFileSync(program);
const decoded = decodeModule(bytes);
const functions = decoded.bodyStart.length;
const codeEnd = decoded.bodyEnd[functions - 1];

/** On ARM64 the first MiB of text is compiled in its place, and the program has less. */
const withPieces = test.skipIf(process.arch !== 'x64');

let folder = '';
const children: ChildProcess[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-early-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A cache and a folder for temporary files of its own, both empty. */
function environment(name: string): NodeJS.ProcessEnv {
  const [cache, temporary] = [join(folder, name), join(folder, `${name}-tmp`)];
  for (const path of [cache, temporary]) mkdirSync(path);
  return { ...process.env, XDG_CACHE_HOME: cache, TMPDIR: temporary };
}

function cached(env: NodeJS.ProcessEnv): Buffer[] {
  const cache = join(env['XDG_CACHE_HOME']!, 'wag-snap');
  return readdirSync(cache).map((name) => readFileSync(join(cache, name)));
}

function fromFile(env: NodeJS.ProcessEnv, args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [tool, ...args], { env, encoding: 'utf8' });
  return { stdout, stderr, status };
}

/**
 * Gives a command a part of a module, and returns when all functions of it are compiled.
 *
 * @param outcome of the piece that has the last one
 */
async function standing(env: NodeJS.ProcessEnv, args: readonly string[], part: Uint8Array, outcome = 'compiled early') {
  const traced = { ...env, WAGSNAP_TRACE: 'compile' };
  const child = spawn(process.execPath, [tool, ...args], { env: traced, cwd: folder, stdio: 'pipe' });
  children.push(child);
  child.stdin.on('error', () => {}); // it has ended
  const output = new Output(child);
  child.stdin.write(part);
  await output.says(new RegExp(`: ${outcome}: defined functions \\d+ to ${functions - 1}$`, 'm'));
  return { child, output };
}

/** What it prints and how it ends, without trace lines. */
async function end({ child, output }: Awaited<ReturnType<typeof standing>>, rest: Uint8Array | undefined) {
  const closed = once(child, 'close');
  if (rest !== undefined) child.stdin!.end(rest);
  const [status, signal] = await closed;
  const traces = output.stderr.split('\n').filter((line) => line.startsWith('compile '));
  const stderr = output.stderr.replace(/^compile .*\n/gm, '');
  return { stdout: output.stdout, stderr, status, signal, traces };
}

withPieces.each([
  ['run', []],
  ['begin', ['--begin-at-once']],
])('%s: all is compiled before the last byte is there; then the program starts', async (name, options) => {
  const expected = fromFile(environment(`${name}-file`), ['run', program]);
  const env = environment(name);
  const piped = await standing(env, ['run', ...options, '-'], bytes.subarray(0, -1));
  expect(piped.output.stdout).toBe('');
  const { traces, ...ended } = await end(piped, bytes.subarray(-1));
  expect(ended).toEqual({ ...expected, signal: null });
  expect(traces.filter((line) => / early pieces fit$/.test(line))).toHaveLength(1);
  const [image, ...more] = cached(env);
  expect(more).toEqual([]);
  expect(image.equals(cached({ XDG_CACHE_HOME: join(folder, `${name}-file`) })[0])).toBe(true);
  // what the cache has is used
  const again = await end(await standing(env, ['run', ...options, '-'], bytes.subarray(0, -1)), bytes.subarray(-1));
  expect([again.stdout, again.status]).toEqual([expected.stdout, 0]);
  expect(again.traces.filter((line) => / early pieces/.test(line))).toEqual([]);
  expect(readdirSync(env['TMPDIR']!)).toEqual([]);
});

withPieces('compile, with options: the image is the same', async () => {
  const env = environment('compile');
  const args = ['compile', '--arch', 'x64', '--cpu', 'x86-64-v3', '--no-sites', '--deterministic', '-o'];
  expect(fromFile(env, [...args, join(folder, 'file'), program])).toMatchObject({ stderr: '', status: 0 });
  const piped = await standing(env, [...args, join(folder, 'pipe'), '-'], bytes.subarray(0, -1));
  const { traces, ...ended } = await end(piped, bytes.subarray(-1));
  expect(ended).toEqual({ stdout: '', stderr: '', status: 0, signal: null });
  expect(traces.filter((line) => / early pieces fit$/.test(line))).toHaveLength(1);
  expect(readFileSync(join(folder, 'pipe')).equals(readFileSync(join(folder, 'file')))).toBe(true);
});

withPieces.each([
  ['a pipe that breaks off', codeEnd + 1, Buffer.alloc(0)],
  ['a section that no module has', codeEnd, Buffer.from([99, 0])],
])('%s after the code is an error as in a file', async (name, length, rest) => {
  const env = environment(name.replaceAll(' ', '-'));
  const part = bytes.subarray(0, length);
  const expected = spawnSync(process.execPath, [tool, 'run', '-'], {
    env,
    input: Buffer.concat([part, rest]),
    encoding: 'utf8',
  });
  expect([expected.status, expected.stdout]).toEqual([3, '']);
  expect(expected.stderr).toMatch(/^wag-snap: -: offset 0x[0-9a-f]+: /);
  const { traces, ...ended } = await end(await standing(env, ['run', '--begin-at-once', '-'], part), rest);
  expect(ended).toEqual({ stdout: '', stderr: expected.stderr, status: 3, signal: null });
  expect(readdirSync(env['TMPDIR']!)).toEqual([]);
});

withPieces('a function that is invalid is an error as in a file', async () => {
  const env = environment('invalid');
  // the last function that is compiled early ends with an instruction that lacks its operand
  const invalid = Buffer.from(bytes);
  invalid[codeEnd - 2] = 0x1a; // drop
  invalid[codeEnd - 3] = 0x1a;
  const expected = spawnSync(process.execPath, [tool, 'run', '-'], { env, input: invalid, encoding: 'utf8' });
  expect(expected.status).toBe(3);
  const piped = await standing(env, ['run', '-'], invalid.subarray(0, -1), 'cannot be compiled early');
  const { traces, ...ended } = await end(piped, invalid.subarray(-1));
  expect(ended).toEqual({ stdout: '', stderr: expected.stderr, status: 3, signal: null });
});

withPieces('Ctrl-C ends it while it is read, and leaves nothing', async () => {
  const env = environment('interrupted');
  const piped = await standing(env, ['run', '-'], bytes.subarray(0, -1));
  piped.child.kill('SIGINT');
  const { stdout, stderr, signal } = await end(piped, undefined);
  expect({ stdout, stderr, signal }).toEqual({ stdout: '', stderr: '', signal: 'SIGINT' });
  expect(readdirSync(env['TMPDIR']!)).toEqual([]);
});
