/**
 * The command line as a program: exit codes, what goes to which stream, signals. Needs a built wag-snap (npm run
 * build).
 */

import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { during, Output } from '../../support/waiting.js';
import { programPath, temporaryFolder } from '../../support/workload.js';

const cli = resolve(process.env['WAGSNAP_CLI'] ?? 'bin/wag-snap');
const folder = temporaryFolder();
const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };

function wagSnap(...args: string[]) {
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { stdout, stderr, status, signal };
}

/** Starts a command that prints `pid N`, and resolves with that number. */
async function started(...args: string[]): Promise<{ child: ChildProcess; pid: number; output: () => string }> {
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  let stdout = '';
  child.stdout!.on('data', (data) => (stdout += data));
  const pid = await new Promise<number>((done, fail) => {
    child.stderr!.on('data', (data) => {
      stderr += data;
      const found = /^pid (\d+)$/m.exec(stderr);
      if (found) done(Number(found[1]));
    });
    child.once('exit', () => fail(new Error(stderr)));
  });
  return { child, pid, output: () => stdout };
}

/** When it has ended and all of its output has come. */
async function closed(child: ChildProcess): Promise<void> {
  if (!child.stdout!.closed) await once(child, 'close');
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

function wat(name: string, text: string): string {
  const path = join(folder, `${name}.wat`);
  writeFileSync(path, text);
  return path;
}

const arithmetic = wat(
  'arithmetic',
  `(module
     (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
     (func (export "both") (param i64 f64) (result f64 i64) (local.get 1) (local.get 0))
     (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))`,
);

const recursion = wat(
  'recursion',
  `(module
     (func $down (param i32) (result i32)
       (if (result i32) (local.get 0)
         (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
         (else (i32.const 0))))
     (func (export "_start") (drop (call $down (i32.const 10000)))))`,
);

describe('exit codes', () => {
  test.each<[string[], number, RegExp]>([
    [[], 2, /no command was given/],
    [['fly'], 2, /there is no command fly/],
    [['--fly'], 2, /there is no option --fly/],
    [['compile'], 2, /compile needs the module/],
    [['run', '-x', arithmetic], 2, /there is no option -x \(see wag-snap run --help\)/],
    [['run', '/bin/sh'], 3, /\/bin\/sh: not a wag-snap image/],
    [['compile', arithmetic, '-o', ''], 2, /--output is empty/],
    [['compile', arithmetic, '-o', folder], 1, /cannot be written: it is a folder/],
    [['compile', arithmetic, '-o', '/none/image'], 1, /\/none\/image: cannot be written: there is no such folder/],
    [['compile', 'x', '--fast'], 2, /there is no option --fast/],
    [['compile', 'x', '-o', 'a', '-o', 'b'], 2, /more than once/],
    [['compile', 'x', '--arch', 'mips'], 2, /mips is unknown/],
    [['compile', 'x', '--cpu', 'z80'], 2, /z80 is unknown/],
    [['compile', 'nothing.wasm'], 3, /nothing.wasm: no such file/],
    [['run', 'nothing.wasm'], 3, /nothing.wasm: no such file/],
    [['run', '--env', 'A', arithmetic], 2, /expected K=V/],
    [['run', '--max-stack', '1K', arithmetic], 2, /--max-stack 1K: expected 64K to 256M/],
    [['run', '--invoke', 'none', arithmetic], 3, /no exported function none.*add, both/],
    [['run', '--invoke', 'add', arithmetic, '1'], 2, /takes 2 arguments/],
    [['run', '--invoke', 'add', arithmetic, '1', 'x'], 2, /"x" is not a value of type i32/],
    [['run', '--invoke', 'divide', arithmetic, '1', '0'], 134, /integer divide by zero/],
    [['run', '--on-trap', 'stay', arithmetic], 2, /--on-trap stay: expected park or exit/],
    [['run', '--on-trap', 'park', '--coredump', 'x', arithmetic], 2, /exclude each other/],
    [['run', '--invoke', 'add', '--coredump', 'x', arithmetic, '1', '2'], 2, /not for --invoke/],
    [['coredump', arithmetic], 3, /is a module in the text format; coredump takes a snapshot/],
    [['coredump', String(process.pid)], 3, /not a wag-snap process/],
    [['coredump'], 2, /coredump needs a \.wsnap file/],
    [['verify'], 2, /verify needs a \.wsnap file/],
    [['verify', arithmetic], 3, /is a module in the text format; verify takes a snapshot/],
    [['compact', arithmetic, '-o', 'x'], 3, /is a module in the text format; compact takes a snapshot/],
    [['compact', arithmetic], 2, /output/],
    [['capture', '1x'], 2, /"1x" is neither a pid nor a name: wag-snap ps/],
    [['capture', 'nobody'], 3, /there is no program named "nobody": wag-snap ps/],
    [['inspect', 'nobody'], 3, /nobody: no such file, no running program of this name, and no/],
    [['coredump', 'nobody', '-o', '/dev/null'], 3, /nobody: no such file, no running program of this name, and no/],
    [['run', '--name', '7', arithmetic], 2, /--name "7": it does not begin with a letter; a name is a letter/],
    [['run', '--name', 'a/b', arithmetic], 2, /it has the character "\/"; a name is/],
    [['run', '--name', 'é', arithmetic], 2, /it does not begin with a letter/],
    [['restore', '--name', 'n'.repeat(64), arithmetic], 2, /it has 64 characters; .* 63 characters at most/],
    [['run', '--name', 'n'.repeat(64), arithmetic], 2, /it has 64 characters; .* 63 characters at most/],
    [['capture', String(process.pid)], 3, /not a wag-snap process/],
    [['capture', '999999999'], 3, /no process/],
    [['restore', 'nothing.wsnap'], 3, /nothing.wsnap: no such file, and no/],
    [['restore', '4711'], 3, /4711: no such file .*wag-snap capture 4711\), and no/],
    [['restore', arithmetic], 3, /restore takes a snapshot/],
    [['inspect', 'nothing'], 3, /no such file/],
  ])('%j', (args, status, message) => {
    const result = wagSnap(...args);
    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toMatch(/^wag-snap: /m);
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  test.skipIf(!existsSync('/dev/full'))('a result that cannot be printed is a failure, not a crash', () => {
    const full = openSync('/dev/full', 'w');
    try {
      const stdio: StdioOptions = ['ignore', full, 'pipe'];
      const result = spawnSync(process.execPath, [cli, 'inspect', arithmetic], { env, stdio, encoding: 'utf8' });
      expect(result).toMatchObject({ status: 1, stderr: 'wag-snap: cannot print the result: the disk is full\n' });
    } finally {
      closeSync(full);
    }
  });

  test('a malformed module is named with file and offset', () => {
    const path = join(folder, 'bad.wasm');
    writeFileSync(path, Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0xff));
    const result = wagSnap('compile', path);
    expect(result.status).toBe(3);
    expect(result.stderr).toMatch(/bad\.wasm: offset 0x[0-9a-f]+: /);
  });
});

describe('compile', () => {
  test('writes an executable named after the module', () => {
    expect(wagSnap('compile', programPath('hello'))).toMatchObject({ status: 0, stdout: '' });
    expect(spawnSync(join(folder, 'hello'), { encoding: 'utf8' }).stdout).toBe('hello world\n');
  });

  test('without -o, a file whose own name the image would get', () => {
    writeFileSync(join(folder, 'notes'), 'text\n');
    writeFileSync(join(folder, 'nameless'), Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const asked = (name: string) => {
      const { status, stderr } = wagSnap('compile', name);
      return [status, stderr];
    };
    const takes = 'compile takes a module (.wasm or .wat) or a component';
    expect(asked('notes')).toEqual([3, `wag-snap: notes is a text file; ${takes}\n`]);
    expect(asked('none')).toEqual([3, 'wag-snap: none: no such file\n']);
    const where = 'no name for the image can be made of this: add -o FILE\n';
    expect(asked('nameless')).toEqual([2, `wag-snap: nameless: ${where}`]);
    expect(asked('-')).toEqual([2, `wag-snap: -: ${where}`]);
  });

  test.each(['sites', 'maps', 'sections'])('--dump %s lists and writes nothing', (what) => {
    const { status, stdout } = wagSnap('compile', programPath('fib'), '--dump', what);
    expect(status).toBe(0);
    expect(stdout).toMatch(what === 'sections' ? /\.wagsnap\.sites/ : /<fib>/);
    expect(existsSync(join(folder, 'fib'))).toBe(false);
  });

  test('code is the same without site tables', () => {
    wagSnap('compile', programPath('fib'), '-o', 'with');
    wagSnap('compile', programPath('fib'), '-o', 'without', '--no-sites');
    const text = (name: string) => spawnSync('readelf', ['-x', '.text', name], { cwd: folder }).stdout?.toString();
    expect(text('with')).toBe(text('without'));
  });
});

describe('run', () => {
  test('prints imports and behaves like the program', () => {
    const { status, stdout, stderr } = wagSnap('run', '-v', programPath('hello'));
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'hello world\n' });
    expect(stderr).toMatch(/^import fd_write\(i32, i32, i32, i32\) i32$/m);
    expect(stderr).toMatch(/^pid \d+$/m);
  });

  test('takes an image in the working directory by its name', () => {
    wagSnap('compile', programPath('hello'), '-o', 'greeting');
    expect(wagSnap('run', 'greeting')).toMatchObject({ status: 0, stdout: 'hello world\n' });
  });

  test('passes arguments, after -- too', () => {
    expect(wagSnap('run', programPath('fib'), '12').stdout).toMatch(/fib 12 is 144\n$/);
    expect(wagSnap('run', programPath('fib'), '--', '12').stdout).toMatch(/fib 12 is 144\n$/);
  });

  test('passes directories, and nothing else of the host', () => {
    mkdirSync(join(folder, 'data'), { recursive: true });
    expect(wagSnap('run', '--dir', 'data::.', programPath('fileio'), '20').status).toBe(0);
    expect(wagSnap('run', programPath('fileio'), '20').status).not.toBe(0);
  });

  test('gives it the stack that it needs', () => {
    expect(wagSnap('run', '--max-stack', '1M', recursion)).toMatchObject({ status: 0, stderr: '' });
    const { status, stderr } = wagSnap('run', '--max-stack', '64K', recursion);
    expect([status, stderr.split('\n')[0]]).toEqual([134, 'wasm trap: call stack exhausted']);
  });

  test('passes the exit code', () => {
    const path = wat(
      'code',
      '(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (func (export "_start") (call 0 (i32.const 9))))',
    );
    expect(wagSnap('run', path)).toEqual({ status: 9, stdout: '', stderr: '', signal: null });
  });

  test('--invoke passes signals on', async () => {
    const text = '(module (func $start) (start $start) (func (export "spin") (loop (br 0))))';
    const { child, pid } = await started('run', '-v', '--invoke', 'spin', wat('spin', text));
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([null, 'SIGTERM']);
    expect(isAlive(pid)).toBe(false);
  });

  test('--invoke prints a result a line', () => {
    expect(wagSnap('run', '--invoke', 'add', arithmetic, '2', '-5').stdout).toBe('-3\n');
    expect(wagSnap('run', '--invoke', 'both', arithmetic, '0x10', '0.5').stdout).toBe('0.5\n16\n');
  });

  test('--invoke passes vectors between other values', () => {
    const text = `(module (func (export "turn") (param i32 v128 i32) (result v128 i32 v128)
      (local.get 1) (local.get 2) (i8x16.splat (local.get 0))))`;
    const { stdout } = wagSnap('run', '--invoke', 'turn', wat('turn', text), '1', 'f32x4:1,0,-0,2', '7');
    expect(stdout).toBe('i32x4:1065353216,0,-2147483648,1073741824\n7\ni32x4:16843009,16843009,16843009,16843009\n');
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('passes %s on and dies of it', async (signal) => {
    const { child, pid } = await started('run', '-v', programPath('sleeper'), '60000');
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code, received] = await exited;
    expect([code, received]).toEqual([null, signal]);
    expect(isAlive(pid)).toBe(false);
  });
});

describe('capture and restore', () => {
  test('the two halves are the whole', async () => {
    const { child, pid, output } = await started('run', '-v', programPath('readline'));
    child.stdin!.write('1 2 3\n');
    await during(child, expect.poll(output).toContain('readline 1 sum 6\n'));
    const capture = wagSnap('capture', String(pid), '-v', '--kill', '--json', '-o', 'half.wsnap');
    expect(capture.stderr).toMatch(/^globals .*\nmemory .*\nstack .*\n#1 /);
    const told = ['file', 'bytes', 'pages', 'changed', 'frames', 'pause', 'total', 'tracking'];
    expect(Object.keys(JSON.parse(capture.stdout))).toEqual(told);
    await closed(child);
    expect(child.exitCode).toBe(75);
    expect(output()).toBe('readline ready\nreadline 1 sum 6\n');
    const second = wagSnap('restore', '-v', 'half.wsnap');
    expect(second.stderr).toMatch(/^pid \d+$/m);
    expect(second.stdout).toBe('readline end after 1 lines\n');
    expect(wagSnap('restore', 'half.wsnap', '-o', 'rest').stdout).toBe('rest\n');
    const rest = spawnSync(join(folder, 'rest'), { encoding: 'utf8', env: {}, input: '4\n' });
    expect(rest.stdout).toBe('readline 2 sum 10\nreadline end after 2 lines\n');
    expect(wagSnap('inspect', 'half.wsnap').stdout).toMatch(/#1 /);
    expect(wagSnap('inspect', 'rest').stdout).toMatch(/continues from a snapshot/);
  });

  test('a snapshot gets no directory by itself', async () => {
    mkdirSync(join(folder, 'files'), { recursive: true });
    const { pid } = await started('run', '-v', '--dir', 'files::.', programPath('fileio'), '100000000');
    expect(wagSnap('capture', String(pid), '--kill', '--without-module', '-o', 'files.wsnap').status).toBe(0);
    const refused = wagSnap('restore', 'files.wsnap', '-o', 'files.img', '--same-dirs');
    expect(refused).toMatchObject({ status: 3, stdout: '' });
    expect(refused.stderr).toMatch(/does not carry its module/);
    const module = ['--module', programPath('fileio')];
    const missing = wagSnap('restore', 'files.wsnap', '-o', 'files.img', ...module);
    expect(missing).toMatchObject({ status: 3, stdout: '' });
    expect(missing.stderr).toMatch(/--dir HOST::\./);
    const [, line] = /^with what it had: wag-snap (.*)$/m.exec(missing.stderr)!;
    expect(line).toBe(`restore files.wsnap -o files.img ${module.join(' ')} --dir ${folder}/files::.`);
    expect(wagSnap(...line.split(' ')).status).toBe(0);
    expect(wagSnap('restore', 'files.wsnap', '-o', 'files.img', ...module, '--dir', 'files::x').status).toBe(2);
    expect(wagSnap('restore', 'files.wsnap', '-o', 'files.img', ...module, '--same-dirs').status).toBe(0);
    expect(wagSnap('restore', 'files.wsnap', '-o', 'files.img', ...module, '--dir', 'files::.').status).toBe(0);
    expect(wagSnap('restore', 'files.wsnap', '--same-dirs', '--module', programPath('fib')).stderr).toMatch(
      /another module/,
    );
  });
});

describe('a program that traps', () => {
  const trap = wat(
    'trap',
    '(module $trap (memory 1) (data (i32.const 3) "data") (func (export "_start") (drop (i32.div_u (i32.const 1) (i32.load (i32.const 60000))))))',
  );
  const said = /^wasm trap: integer divide by zero\n {2}#0 func-0 \(trap:0x[0-9a-f]+, func\[0\]\+0x[0-9a-f]+\)\n/;

  test('--coredump writes a file and changes nothing else', () => {
    const { status, stdout, stderr } = wagSnap('run', '--coredump', 'trap.core', trap);
    expect([status, stdout]).toEqual([134, '']);
    expect(stderr).toMatch(said);
    expect(stderr).toMatch(/\nwag-snap: coredump in trap.core\n$/);
    expect(readFileSync(join(folder, 'trap.core')).includes('data')).toBe(true);
    const ends = wat('ends', '(module (func (export "_start")))');
    expect(wagSnap('run', '--coredump', 'none.core', ends)).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(folder, 'none.core'))).toBe(false);
  });

  test('a coredump that cannot be written does not change its end', () => {
    const { status, stderr } = wagSnap('run', '--timeout', '600', '--coredump', '/none/trap.core', trap);
    expect(status).toBe(134);
    expect(stderr).toMatch(said);
    expect(wagSnap('run', '--coredump', 'none\u001b[31m/x', trap).stderr).toContain(
      'coredump: none\\u{1b}[31m/x: cannot',
    );
    expect(stderr).toMatch(/\nwag-snap: no coredump: \/none\/trap.core: cannot be written: there is no such folder\n$/);
  });

  test('--on-trap park keeps it to be captured, not to continue', async () => {
    const { child, pid, output } = await started('run', '-v', '--on-trap', 'park', trap);
    await expect.poll(() => wagSnap('inspect', String(pid)).stdout).toContain('trapped     integer divide by zero');
    expect(wagSnap('ps').stdout).toMatch(new RegExp(`^${pid} .* trapped +trap$`, 'm'));
    expect(wagSnap('coredump', String(pid), '-o', 'parked.core').stdout).toBe('parked.core\n');
    expect(wagSnap('capture', String(pid), '-o', 'trap.wsnap', '--kill').status).toBe(0);
    expect(await once(child, 'close')).toEqual([134, null]);
    expect(output()).toBe('');
    expect(wagSnap('coredump', 'trap.wsnap')).toMatchObject({ status: 0, stdout: 'trap.coredump\n' });
    expect(readFileSync(join(folder, 'trap.coredump'))).toEqual(readFileSync(join(folder, 'parked.core')));
    expect(wagSnap('inspect', 'trap.wsnap').stdout).toMatch(/^ {2}trapped {5}integer divide by zero$/m);
    for (const more of [[], ['-o', 'image']]) {
      const { status, stderr } = wagSnap('restore', 'trap.wsnap', ...more);
      expect(status).toBe(3);
      expect(stderr).toMatch(/has trapped \(integer divide by zero\), which cannot be undone/);
    }
    expect(readdirSync(folder).filter((name) => /tmp|^\..*wsnap/.test(name))).toEqual([]);
  });

  test('--coredump of a restored program', async () => {
    const reads = wat(
      'reads',
      `(module (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32))) (memory (export "memory") 1)
        (func $later (result i32) (i32.store (i32.const 4) (i32.const 1)) (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (func (export "_start") (drop (call $later)) unreachable))`,
    );
    const child = spawn(process.execPath, [cli, 'run', '-v', reads], {
      cwd: folder,
      env,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const pid = /pid (\d+)\n/.exec(await new Output(child).says(/pid \d+\n/))![1];
    expect(wagSnap('capture', pid, '--kill', '-o', 'reads.wsnap').status).toBe(0);
    const { status, stderr } = wagSnap('restore', 'reads.wsnap', '--coredump', 'reads.core');
    expect(status).toBe(134);
    expect(stderr).toMatch(/^wasm trap: unreachable\n( .*\n)wag-snap: coredump in reads.core\n$/);
    expect(existsSync(join(folder, 'reads.core'))).toBe(true);
  });
});

test('check says what the machine can do', () => {
  const { stdout } = wagSnap('check');
  expect(stdout).toMatch(/^ok {2}cpu/m);
  expect(JSON.parse(wagSnap('check', '--json').stdout)).toHaveProperty('ptrace');
});
