/** Programs run, captured and restored by the library, on both CPUs; and what is left when something is cancelled. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  attach,
  capture,
  coredump,
  InputError,
  listWorkloads,
  RestoreProblems,
  type RunOptions,
  restore,
  restoreImage,
  run,
  type StartedWorkload,
  type Trap,
  UsageError,
} from '../../../src/api/index.js';
import { nativeArch } from '../../support/native-arch.js';
import { openDescriptors } from '../../support/open-descriptors.js';
import { canRun, programPath, temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
const temporary = join(folder, 'tmp');
mkdirSync(temporary);
vi.stubEnv('TMPDIR', temporary);
vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
mkdirSync(join(folder, 'cache'));

const other = nativeArch === 'x64' ? 'arm64' : 'x64';
const started: StartedWorkload[] = [];
let open: string[];

beforeEach(async () => {
  await restoreImage('none', { to: 'none' }).catch(() => {}); // all code is loaded
  open = openDescriptors();
});
afterEach(async () => {
  for (const workload of started.splice(0)) {
    await workload.kill('SIGKILL');
    await workload.exited.catch(() => {});
  }
  expect(readdirSync(temporary)).toEqual([]);
  await expect
    .poll(() => openDescriptors().filter((each) => !open.includes(each) && !/ (socket|pipe):/.test(each)))
    .toEqual([]);
});

function kept<T extends StartedWorkload>(workload: T): T {
  started.push(workload);
  return workload;
}

const startProgram = async (program: Parameters<typeof run>[0], options?: RunOptions) =>
  kept(await run(program, options));

/** All of a stream's text. */
async function textOf(stream: StartedWorkload['stdout']): Promise<string> {
  let text = '';
  for await (const chunk of stream!) text += chunk;
  return text;
}

/** A program that answers each line of its input with one: it can be captured between two of them. */
class Talk {
  readonly heard: string[] = [];
  private readonly lines;

  constructor(readonly workload: StartedWorkload) {
    this.lines = createInterface(workload.stdout!)[Symbol.asyncIterator]();
  }

  async hear(): Promise<string> {
    const { value } = await this.lines.next();
    this.heard.push(value);
    return value;
  }

  async say(line: string): Promise<string> {
    this.workload.stdin!.write(`${line}\n`);
    return this.hear();
  }
}

const readline = programPath('readline');

describe('run', () => {
  test('gives the streams, and the end', async () => {
    const workload = await startProgram(readline, { args: ['5'] });
    const output = textOf(workload.stdout);
    workload.stdin!.end('1 2\n');
    expect(await output).toBe('readline ready\nreadline 1 sum 8\nreadline end after 1 lines\n');
    expect(await workload.exited).toEqual({ code: 0, signal: null, timedOut: false });
  });

  test('takes bytes of a module, binary or text, and of an image', async () => {
    const source = '(module (memory (export "memory") 1) (func (export "_start") unreachable))';
    const image = join(folder, 'image');
    const workload = await startProgram(readFileSync(readline), {
      programName: 'reader.wasm',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(await textOf(workload.stdout)).toContain('readline end after 0 lines');
    const trapping = await startProgram(Buffer.from(source), { stdio: 'ignore' });
    expect((await trapping.exited).code).toBe(134);
    await (await startProgram(readline)).capture({ to: join(folder, 'a.wsnap') });
    await restoreImage(join(folder, 'a.wsnap'), { to: image });
    const continued = await startProgram(readFileSync(image), { stdio: ['ignore', 'pipe', 'inherit'] });
    expect(await textOf(continued.stdout)).toMatch(/readline end after 0 lines/);
  });

  test('passes on environment, directories and limits', async () => {
    const directory = join(folder, 'given');
    mkdirSync(directory);
    const dirs = [{ host: directory, guest: '.', readOnly: false }];
    const workload = await startProgram(programPath('fileio'), { args: ['20'], dirs, maxMemory: 2 ** 24 });
    expect(await textOf(workload.stdout)).toContain('fileio');
    expect((await workload.exited).code).toBe(0);
    const refused = await startProgram(programPath('fileio'), { args: ['20'], stdio: 'ignore' });
    expect((await refused.exited).code).not.toBe(0);
  });

  test('a program that runs too long is killed', async () => {
    const workload = await startProgram(programPath('sleeper'), { args: ['60000'], timeout: 50, stdio: 'ignore' });
    expect(await workload.exited).toEqual({ code: null, signal: 'SIGKILL', timedOut: true });
  });

  test('tells what a program has trapped at, and waits for whoever wants to look', async () => {
    const source =
      '(module (memory (export "memory") 1) (func (export "_start") (drop (i32.div_u (i32.const 1) (i32.const 0)))))';
    const heard: Trap[] = [];
    const file = join(folder, 'trapped.wsnap');
    const workload = await startProgram(Buffer.from(source), {
      stdio: 'ignore',
      onTrap: async (trap, program) => {
        heard.push(trap);
        await program.capture({ to: file });
        await program.coredump({ to: join(folder, 'trapped.coredump') });
      },
    });
    const { code, trap } = await workload.exited;
    expect({ code, message: trap?.message }).toEqual({ code: 134, message: 'integer divide by zero' });
    expect(heard).toEqual([trap]);
    await expect(restore(file)).rejects.toMatchObject({ code: 'trapped' });
    expect(existsSync(join(folder, 'trapped.coredump'))).toBe(true);
  });

  test('an error of whoever looks at a trap is told with the end', async () => {
    const source = Buffer.from('(module (func (export "_start") unreachable))');
    const onTrap = () => Promise.reject(new Error('mine'));
    await expect((await startProgram(source, { stdio: 'ignore', onTrap })).exited).rejects.toThrow('mine');
  });

  test('disposing of it ends it', async () => {
    const workload = await run(programPath('sleeper'), { args: ['60000'], stdio: 'ignore' });
    await workload[Symbol.asyncDispose]();
    expect(await workload.exited).toMatchObject({ signal: 'SIGKILL' });
    await workload.kill();
    await expect(workload.capture({ to: join(folder, 'ended.wsnap') })).rejects.toMatchObject({
      code: 'process-ended',
    });
  });

  test.each<[string, Parameters<typeof run>[0], RunOptions, abstract new (...args: never[]) => Error, string]>([
    ['no such file', join(folder, 'none.wasm'), {}, InputError, 'not-found'],
    ['a script', import.meta.filename, {}, InputError, 'wrong-kind'],
    ['a module that is none', Buffer.from('\0asm\x01\0\0\0\xff', 'latin1'), {}, InputError, 'malformed'],
    ['no entry', Buffer.from('(module (func (export "f")))'), {}, InputError, 'no-entry'],
    [
      'a missing import',
      Buffer.from('(module (import "a" "b" (func)) (func (export "_start")))'),
      {},
      InputError,
      'unlinkable',
    ],
    ['a variable of ours', readline, { env: { WAGSNAP_DIR: '/' } }, UsageError, 'usage'],
    ['a name that is none', readline, { name: '1' }, UsageError, 'usage'],
    ['a time that no timer waits', readline, { timeout: 2 ** 31 }, UsageError, 'usage'],
  ])('%s starts nothing', async (_, program, options, kind, code) => {
    const error = await run(program, options).catch((caught) => caught);
    expect(error).toBeInstanceOf(kind);
    expect(error.code).toBe(code);
  });
});

describe('a program that was running already', () => {
  test('is found by its name and its pid, captured, and left alone', async () => {
    const talk = new Talk(await startProgram(readline, { name: 'adder' }));
    await talk.hear();
    const attached = await attach('adder');
    onTestFinished(() => attached.close());
    expect({ pid: attached.pid, name: attached.name }).toEqual({ pid: talk.workload.pid, name: 'adder' });
    expect((await listWorkloads()).find(({ pid }) => pid === attached.pid)).toMatchObject({
      name: 'adder',
      capturable: true,
    });
    const report = await attached.capture({ to: join(folder, 'adder.wsnap') });
    expect(report.file).toBe(join(folder, 'adder.wsnap'));
    expect((await capture('adder', { to: join(folder, 'adder.wsnap') })).pid).toBe(attached.pid);
    expect((await capture(attached.pid, { to: join(folder, 'adder.wsnap') })).pid).toBe(attached.pid);
    await coredump('adder', { to: join(folder, 'adder.coredump') });
    expect(await talk.say('4')).toBe('readline 1 sum 4');
    await attached[Symbol.asyncDispose]();
    expect(await talk.say('5')).toBe('readline 2 sum 9');
    const again = await attach(talk.workload.pid);
    await again.kill();
    expect(await talk.workload.exited).toMatchObject({ signal: 'SIGTERM' });
    await again.kill();
    again.close();
    again.close();
  });

  test('is one of ours', async () => {
    await expect(attach(process.pid)).rejects.toMatchObject({ code: 'not-ours' });
    await expect(attach('nobody')).rejects.toMatchObject({ code: 'no-process' });
    await expect(capture(2 ** 22 + 1, { to: join(folder, 'none') })).rejects.toMatchObject({ code: 'no-process' });
  });
});

const arches = [nativeArch, other] as const;
describe.each(arches.flatMap((from) => arches.map((to) => [from, to] as const)))('from %s to %s', (from, to) => {
  test.runIf(canRun(from) && canRun(to))('what it prints is what an uninterrupted run does', async () => {
    const file = join(folder, `${from}-${to}.wsnap`);
    const first = new Talk(await startProgram(readline, { arch: from, args: ['100'] }));
    await first.hear();
    await first.say('1');
    await first.say('10 20');
    const report = await first.workload.capture({ to: file, kill: true });
    expect(report.frames).toBeGreaterThan(1);
    expect(await first.workload.exited).toMatchObject({ code: 75 });
    const second = new Talk(kept(await restore(file, { arch: to })));
    await second.say('3');
    second.workload.stdin!.end();
    await second.hear();
    expect(await second.workload.exited).toMatchObject({ code: 0 });
    expect([...first.heard, ...second.heard]).toEqual([
      'readline ready',
      'readline 1 sum 101',
      'readline 2 sum 131',
      'readline 3 sum 134',
      'readline end after 3 lines',
    ]);
  });
});

describe('restore', () => {
  const file = join(folder, 'files.wsnap');
  const directory = join(folder, 'its');

  async function captured(): Promise<void> {
    if (existsSync(file)) return;
    mkdirSync(directory);
    const source = `(module
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 0) "\\10\\00\\00\\00\\10\\00\\00\\00")
      (func (export "_start") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))`;
    const dirs = [{ host: directory, guest: '/d', readOnly: false }];
    const workload = await startProgram(Buffer.from(source), { dirs });
    await workload.capture({ to: file, kill: true, withoutModules: true });
    writeFileSync(join(folder, 'its.wat'), source);
  }

  test('says all that is missing, and what would not be used', async () => {
    await captured();
    const modules = [join(folder, 'its.wat')];
    const problems = await restore(file, { modules }).catch((error) => error);
    expect(problems).toBeInstanceOf(RestoreProblems);
    expect(problems.problems).toMatchObject([{ fd: 3, recorded: ['--dir', `${directory}::/d`] }]);
    const dirs = [{ host: directory, guest: '/d', readOnly: false }];
    await expect(restore(file, { dirs })).rejects.toMatchObject({ code: 'no-module' });
    await expect(restore(file, { dirs, modules: [programPath('hello')] })).rejects.toMatchObject({
      code: 'wrong-module',
    });
    await expect(restore(file, { modules, dirs: [...dirs, { ...dirs[0], guest: '/e' }] })).rejects.toThrow(UsageError);
    await expect(restore(file, { modules, dirs, fds: { 9: 'close' } })).rejects.toThrow(/has no descriptor 9/);
    await expect(restore(file, { modules, dirs, listen: ['unix:/s'] })).rejects.toThrow(UsageError);
    const workload = kept(
      await restore({ path: file }, { modules, dirs, name: 'again', stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    expect((await workload.exited).code).toBe(0);
    const same = kept(await restore(file, { modules, sameDirs: true, fds: { 1: 'ignore' }, stdio: 'ignore' }));
    expect((await same.exited).code).toBe(0);
  });

  test('of a snapshot to itself is refused', async () => {
    await captured();
    const before = readFileSync(file);
    const options = { modules: [join(folder, 'its.wat')], sameDirs: true };
    await expect(restoreImage(file, { to: file, ...options })).rejects.toMatchObject({ code: 'output' });
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

describe('given up', () => {
  /** A signal whose listeners are counted. */
  function counted(): { controller: AbortController; listeners: () => number } {
    const controller = new AbortController();
    const { signal } = controller;
    let count = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      count++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      count--;
      remove(...args);
    };
    return { controller, listeners: () => count };
  }

  const aborted = AbortSignal.abort('a test');
  const interrupted = { code: 'interrupted', message: expect.stringMatching(/^interrupted by a test: nothing was/) };

  test('before it begins, nothing happens', async () => {
    const workload = await startProgram(readline);
    const to = join(folder, 'never.wsnap');
    await expect(run(readline, { signal: aborted })).rejects.toMatchObject(interrupted);
    await expect(workload.capture({ to, signal: aborted })).rejects.toMatchObject(interrupted);
    await expect(capture(workload.pid, { to, signal: aborted })).rejects.toMatchObject(interrupted);
    await workload.capture({ to: join(folder, 'there.wsnap') });
    await expect(restore(join(folder, 'there.wsnap'), { signal: aborted })).rejects.toMatchObject(interrupted);
    await expect(restoreImage(join(folder, 'there.wsnap'), { to, signal: aborted })).rejects.toMatchObject(interrupted);
    expect(existsSync(to)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('while it begins, nothing is started', async () => {
    const controller = new AbortController();
    const starting = run(readFileSync(readline), { signal: controller.signal });
    controller.abort('a test');
    await expect(starting).rejects.toMatchObject(interrupted);
    const workload = await startProgram(readline);
    await workload.capture({ to: join(folder, 'there.wsnap') });
    const second = new AbortController();
    const restoring = restore(join(folder, 'there.wsnap'), { signal: second.signal });
    second.abort('a test');
    await expect(restoring).rejects.toMatchObject(interrupted);
  });

  test('while it runs, it is killed, and nobody listens any more', async () => {
    const { controller, listeners } = counted();
    const workload = await startProgram(readline, { signal: controller.signal, stdio: 'ignore' });
    const quick = await startProgram(programPath('hello'), { signal: controller.signal, stdio: 'ignore' });
    await Promise.all([workload.exited, quick.exited]);
    expect(listeners()).toBe(0);
    const slow = await startProgram(programPath('sleeper'), {
      args: ['60000'],
      signal: controller.signal,
      stdio: 'ignore',
    });
    expect(listeners()).toBe(1);
    controller.abort();
    expect(await slow.exited).toMatchObject({ code: null, signal: 'SIGKILL', timedOut: false });
    expect(listeners()).toBe(0);
  });

  test('in the middle of a capture, the program continues and no file is left', async () => {
    const own = join(folder, 'given-up');
    mkdirSync(own);
    const workload = await startProgram(programPath('touch256'), { args: ['64', 'read'] });
    const heard = createInterface(workload.stdout!)[Symbol.asyncIterator]();
    await heard.next();
    const controller = new AbortController();
    const onProgress = () => controller.abort('a test');
    const options = { to: join(own, 'it.wsnap'), signal: controller.signal, onProgress };
    await expect(workload.capture(options)).rejects.toMatchObject(interrupted);
    expect(readdirSync(own)).toEqual([]);
    await workload.capture({ to: join(own, 'it.wsnap') });
    expect(readdirSync(own)).toEqual(['it.wsnap']);
    const second = new AbortController();
    const image = { to: join(own, 'image'), signal: second.signal, onProgress: () => second.abort('a test') };
    await expect(restoreImage(join(own, 'it.wsnap'), image)).rejects.toMatchObject(interrupted);
    expect(readdirSync(own)).toEqual(['it.wsnap']);
  });
});
