/**
 * Every kind of file that may be taken for another, given to every command that takes a file: each answer is one line
 * that says what the file is and what the command takes, exit code 3, and nothing is written or started. In this
 * process, as there are hundreds.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { type FileKind, fileType } from '../../../src/api/file-kind.js';
import { capturePid } from '../../support/capture.js';
import { ownCommand } from '../../support/own-command.js';
import { build, programPath, temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
const inputs = join(folder, 'inputs');
mkdirSync(inputs);

const elf = (fileClass: number, order: number, type: number, machine: number): Buffer => {
  const bytes = Buffer.alloc(64);
  bytes.write('\x7fELF', 'latin1');
  bytes.set([fileClass, order, 1], 4);
  if (order === 1) bytes.writeUInt16LE(type, 16);
  else bytes.writeUInt16BE(type, 16);
  if (order === 1) bytes.writeUInt16LE(machine, 18);
  else bytes.writeUInt16BE(machine, 18);
  return bytes;
};
const latin = (text: string) => Buffer.from(text.padEnd(64, '\0'), 'latin1');
const tar = () => {
  const bytes = Buffer.alloc(1024);
  bytes.write('file.txt');
  bytes.write('ustar', 257);
  return bytes;
};
const component = Buffer.from('\0asm\x0d\0\x01\0', 'latin1');
const wasm = Buffer.from('\0asm\x01\0\0\0', 'latin1');

/** Name, contents (undefined: made below), what messages say that it is, and its kind. */
const FILES: readonly (readonly [name: string, contents: Buffer | string | undefined, what: string, kind: FileKind])[] =
  [
    ['m.wasm', wasm, 'a module', 'module'],
    ['m', wasm, 'a module', 'module'],
    ['t.wat', ' ;; text\n(module)', 'a module in the text format', 'module'],
    ['image', undefined, 'an ELF executable or library for x64', 'image'],
    ['image.wasm', undefined, 'an ELF executable or library for x64, though it is called .wasm', 'image'],
    ['image.wat', undefined, 'an ELF executable or library for x64, though it is called .wat', 'image'],
    ['arm', elf(2, 1, 3, 183), 'an ELF executable or library for arm64', 'image'],
    ['s.wsnap', undefined, 'a snapshot', 'snapshot'],
    ['s.wasm', undefined, 'a snapshot, though it is called .wasm', 'snapshot'],
    ['core.wasm', Buffer.concat([wasm, Buffer.from('\0\x0a\x04core\0\x03abc', 'latin1')]), 'a coredump', 'coredump'],
    ['component.wasm', component, 'a component', 'component'],
    ['component', component, 'a component', 'component'],
    ['c.wat', component, 'a component, though it is called .wat', 'component'],
    ['component.wat', '(component)', 'a component in the text format', 'component'],
    ['empty', '', 'empty', 'other'],
    ['empty.wasm', '', 'empty, though it is called .wasm', 'other'],
    ['spaces.wat', ' \n\n', 'a text file of nothing but spaces, though it is called .wat', 'other'],
    ['text', 'hello\n', 'a text file', 'other'],
    ['umlaut', `${'x'.repeat(511)}é and more`, 'a text file', 'other'],
    ['page.html', '<!doctype html>', 'an HTML or XML file', 'other'],
    ['404.wasm', '<html>Not found</html>', 'an HTML or XML file, though it is called .wasm', 'other'],
    ['data.json', '{"a": 1}', 'a JSON file', 'other'],
    ['script', '#!/bin/sh\n', 'a script', 'other'],
    ['base64', wasm.toString('base64'), 'a module in base64', 'other'],
    [
      'lfs.wasm',
      'version https://git-lfs.github.com/spec/v1\n',
      'a Git LFS pointer, though it is called .wasm',
      'other',
    ],
    ['m.wasm.gz', gzipSync(wasm), 'a gzip file', 'other'],
    ['gz.wasm', gzipSync(wasm), 'a gzip file, though it is called .wasm', 'other'],
    ['m.zip', latin('PK\x03\x04'), 'a zip archive', 'other'],
    ['m.xz', latin('\xfd7zXZ'), 'an xz file', 'other'],
    ['m.zst', latin('\x28\xb5\x2f\xfd'), 'a zstd file', 'other'],
    ['m.bz2', latin('BZh9'), 'a bzip2 file', 'other'],
    ['m.tar', tar(), 'a tar archive', 'other'],
    ['lib.a', '!<arch>\nx', 'an archive of object files', 'other'],
    ['m.bc', latin('BC\xc0\xde'), 'LLVM bitcode', 'other'],
    ['p.exe', latin('MZ'), 'a Windows program', 'other'],
    ['macho', latin('\xcf\xfa\xed\xfe'), 'a macOS program', 'other'],
    ['A.class', latin('\xca\xfe\xba\xbe'), 'a macOS program or a Java class', 'other'],
    ['p.png', latin('\x89PNG\r\n'), 'a PNG image', 'other'],
    ['p.pdf', '%PDF-1.7', 'a PDF document', 'other'],
    ['db', latin('SQLite format 3\0'), 'an SQLite database', 'other'],
    ['o.o', elf(2, 1, 1, 62), 'an ELF object file for x64', 'other'],
    ['static', elf(2, 1, 2, 62), 'an ELF executable for x64', 'other'],
    ['core', elf(2, 1, 4, 62), 'a core file of a native process for x64', 'other'],
    ['elf32', elf(1, 1, 3, 3), 'an ELF executable or library for i386', 'other'],
    ['elfbe', elf(2, 2, 3, 22), 'an ELF executable or library for S390', 'other'],
    ['riscv', elf(2, 1, 3, 243), 'an ELF executable or library for RISC-V', 'other'],
    ['random', Buffer.from([1, 2, 3, 0, 255, 254]), 'a binary file of an unknown kind', 'other'],
    ['zeros', Buffer.alloc(100), 'a binary file of an unknown kind', 'other'],
  ];

/** What each command takes, and in which words. `FILE` is the file's place. */
const COMMANDS: readonly (readonly [
  name: string,
  args: readonly string[],
  kinds: readonly FileKind[],
  takes: string,
])[] = [
  [
    'compile',
    ['compile', 'FILE', '-o', 'OUT'],
    ['module', 'component'],
    'compile takes a module (.wasm or .wat) or a component',
  ],
  [
    'run',
    ['run', 'FILE'],
    ['module', 'component', 'image'],
    'run takes a module (.wasm or .wat) or a component or an image',
  ],
  ['restore', ['restore', 'FILE', '-o', 'OUT'], ['snapshot'], 'restore takes a snapshot'],
  ['coredump', ['coredump', 'FILE', '-o', 'OUT'], ['snapshot'], 'coredump takes a snapshot'],
  ['verify', ['verify', 'FILE'], ['snapshot'], 'verify takes a snapshot'],
  ['compact', ['compact', 'FILE', '-o', 'OUT'], ['snapshot'], 'compact takes a snapshot'],
  [
    'inspect',
    ['inspect', 'FILE'],
    ['module', 'component', 'image', 'snapshot', 'coredump'],
    'inspect takes a module (.wasm or .wat) or a component or an image or a snapshot',
  ],
];

/** Names, sizes and times of all that is there. */
function listing(): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return names.map((name) => {
    const { size, mtimeMs } = statSync(join(folder, name));
    return `${name} ${size} ${mtimeMs}`;
  });
}

beforeAll(async () => {
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
  for (const [name, contents] of FILES) if (contents !== undefined) writeFileSync(join(inputs, name), contents);
  mkdirSync(join(inputs, 'folder.wasm'));
  await build(programPath('sleeper'), join(inputs, 'image'), { arch: 'x64' });
  for (const name of ['image.wasm', 'image.wat']) copyFileSync(join(inputs, 'image'), join(inputs, name));
  const own = join(folder, 'own');
  await build(programPath('sleeper'), own);
  const child = spawn(own, ['60000'], { stdio: 'ignore', env: {} });
  await once(child, 'spawn');
  await capturePid(child.pid!, { output: join(inputs, 's.wsnap'), kill: true });
  copyFileSync(join(inputs, 's.wsnap'), join(inputs, 's.wasm'));
});

test.each(FILES)('%s', (name, _contents, what, kind) => {
  const type = fileType(readFileSync(join(inputs, name)).subarray(0, 512));
  expect([type.kind, type.what]).toEqual([kind, what.replace(/, though.*/, '')]);
});

describe.each(COMMANDS)('%s', (_name, args, kinds, takes) => {
  /** What is named like a module is never started. */
  const isFor = (name: string, kind: FileKind) =>
    kinds.includes(kind) && !(kind === 'image' && /\.wa(sm|t)$/.test(name) && !args.includes('inspect'));
  const wrong = FILES.filter(([name, , , kind]) => !isFor(name, kind));

  test.each(wrong)('%s', async (name, _contents, what) => {
    const before = listing();
    const file = join(inputs, name);
    const words = args.map((arg) => (arg === 'FILE' ? file : arg === 'OUT' ? join(folder, 'made') : arg));
    const { status, stdout, stderr } = await ownCommand(words);
    expect(stderr.startsWith(`wag-snap: ${file} is ${what}; ${takes}`)).toBe(true);
    expect(stderr).toMatch(/^[^\n]*\n$/);
    expect([status, stdout]).toEqual([3, '']);
    expect(listing()).toEqual(before);
  });

  test.each([
    ['folder.wasm', /is a directory\n$/],
    ['none', /no such file\n$/],
    ['text/x', /no such file\n$/],
  ])('%s', async (name, message) => {
    const words = args.map((arg) => (arg === 'FILE' ? join(inputs, name) : arg === 'OUT' ? join(folder, 'made') : arg));
    const { status, stdout, stderr } = await ownCommand(words);
    expect(stderr).toMatch(message);
    expect([status, stdout, stderr.split('\n').length]).toEqual([3, '', 2]);
  });
});

test('inspect says that a coredump is one, and lists its sections', async () => {
  const file = join(inputs, 'core.wasm');
  const text = await ownCommand(['inspect', file]);
  expect(text.stdout).toBe(`coredump ${file}\n  size        20 bytes\n  section     core, 5 bytes\n`);
  const json = await ownCommand(['inspect', '--json', file]);
  expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'coredump', sections: [{ name: 'core', bytes: 5 }] });
});

describe('what is of the right kind and no good', () => {
  test.each<[string, string[], RegExp]>([
    ['another executable', ['run', '/bin/sh'], /: not a wag-snap image: /],
    ['another executable', ['inspect', '/bin/sh'], /: not a wag-snap image: /],
    ['an image of nothing', ['run', join(inputs, 'arm')], /: not a wag-snap image: /],
    [
      'a pid for a file',
      ['run', '999999999'],
      /no such file; a running process is captured first: wag-snap capture 999999999/,
    ],
    [
      'a pid for a file',
      ['restore', '999999999'],
      /no such file \(a running process is captured first: wag-snap capture /,
    ],
    ['a pid for a file', ['compile', '999999999', '-o', 'x'], /no such file; a running process is captured first/],
    ['no process', ['inspect', '999999999'], /there is no process with pid 999999999/],
    ['no process', ['coredump', '999999999', '-o', '/dev/null'], /there is no process with pid 999999999/],
    ['no process', ['capture', '999999999', '-o', '/dev/null'], /there is no process with pid 999999999/],
    ['no file', ['inspect', join(inputs, 'none')], /none: no such file/],
    [
      'a module to restore from',
      ['restore', join(inputs, 's.wsnap'), '--module', join(inputs, 'text'), '-o', '/dev/null'],
      /text is a text file; restore --module takes a module/,
    ],
    [
      'a module to restore from',
      ['restore', join(inputs, 's.wsnap'), '--module', join(inputs, 'image'), '-o', '/dev/null'],
      /is an ELF [^;]*; restore --module takes a module/,
    ],
    [
      'a module to restore from',
      ['restore', join(inputs, 's.wsnap'), '--module', join(inputs, 'none'), '-o', '/dev/null'],
      /\/none: no such file/,
    ],
  ])('%s: %j', async (_what, args, message) => {
    const { status, stdout, stderr } = await ownCommand(args);
    expect(stderr).toMatch(message);
    expect([status, stdout, stderr.split('\n').length]).toEqual([3, '', 2]);
  });

  test.each(['image', 's.wsnap', 'm.wasm', 'text'])('capture %s', async (name) => {
    const { status, stderr } = await ownCommand(['capture', join(inputs, name)]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/ is an? [^;]*; capture takes a process: wag-snap ps lists those that run\n$/);
  });

  test.each(['--deterministic', '--allow-missing-imports'])('%s with an image', async (option) => {
    const { status, stderr } = await ownCommand(['run', option, join(inputs, 'image')]);
    expect(status).toBe(2);
    expect(stderr).toContain(`${option} is for modules: `);
  });
});

test('without an emulator, messages name the files that the user has made', async () => {
  const other = process.arch === 'arm64' ? 'x64' : 'arm64';
  const path = process.env['PATH'];
  process.env['PATH'] = '/none';
  try {
    const snapshot = join(inputs, 's.wsnap');
    expect(await ownCommand(['restore', '--arch', other, snapshot])).toEqual({
      status: 1,
      stdout: '',
      stderr: `wag-snap: ${snapshot} is for ${other}: to run it here, install qemu-user-static (Debian: apt-get install qemu-user-static)\n`,
    });
  } finally {
    process.env['PATH'] = path;
  }
});

describe('imports that nothing provides', () => {
  const compile = async (text: string, ...options: string[]) => {
    writeFileSync(join(folder, 'i.wat'), text);
    const { status, stderr } = await ownCommand([
      'compile',
      ...options,
      join(folder, 'i.wat'),
      '-o',
      join(folder, 'i'),
    ]);
    return { status, stderr: stderr.replaceAll(`${folder}/`, '') };
  };
  const wasi = 'wasi_snapshot_preview1';

  test('one is one line', async () => {
    expect(await compile('(module (import "env" "f" (func (param i32))))')).toEqual({
      status: 3,
      stderr:
        'wag-snap: i.wat: unknown import: env.f (function (i32)) (--allow-missing-imports makes calls of it trap, ' +
        'compile --host-imports leaves it to the program that starts the process; ' +
        'in the library: allowMissingImports, hostImports, or imports of run)\n',
    });
  });

  test('all are listed at once, with the types that they would have to have', async () => {
    const text = `(module (import "env" "f" (func)) (import "env" "m" (memory 1)) (import "env" "t" (table 1 funcref))
      (import "env" "g" (global i32)) (import "${wasi}" "fd_write" (func (param i64))) (import "${wasi}" "nope" (func)))`;
    expect(await compile(text)).toEqual({
      status: 3,
      stderr: `wag-snap: i.wat: 6 imports cannot be provided:
  unknown import: env.f (function ())
  unknown import: env.m (memory 1)
  unknown import: env.t (table 1 funcref)
  unknown import: env.g (global i32)
  incompatible import type: ${wasi}.fd_write (function (i64)), expected (function (i32, i32, i32, i32) i32)
  unknown import: ${wasi}.nope (function ())
--allow-missing-imports makes calls of functions trap, and the others empty or zero
compile --host-imports leaves functions to the program that starts the process
in the library: allowMissingImports, hostImports, or imports of run
`,
    });
    expect(await compile(text, '--allow-missing-imports')).toEqual({ status: 0, stderr: '' });
  });

  test('of thousands the first are listed', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => `(import "env" "f${i}" (func))`).join('');
    const { stderr } = await compile(`(module ${many})`);
    expect(stderr.split('\n').length).toBeLessThan(50);
    expect(stderr).toContain('\n  ... and 2960 more\n');
  });

  test.each<[string, string, string, RegExp]>([
    ['wasm-bindgen', 'wbg', '__wbg_log_1', /made by wasm-bindgen/],
    ['wasm-bindgen', './app_bg.js', 'f', /made by wasm-bindgen/],
    ['wasm-bindgen', '__wbindgen_placeholder__', '__wbindgen_throw', /made by wasm-bindgen/],
    ['Emscripten', 'env', 'emscripten_resize_heap', /made by Emscripten/],
    ['Emscripten', 'env', 'invoke_vii', /made by Emscripten/],
    ['Emscripten', 'env', '__cxa_throw', /made by Emscripten/],
    ['Emscripten, minified', 'a', 'b', /minified as Emscripten does/],
    ['Go', 'gojs', 'runtime.wasmExit', /made by Go for JavaScript: GOOS=wasip1/],
    ['Go', 'go', 'runtime.wasmExit', /made by Go for JavaScript/],
    ['WASIX', 'wasix_32v1', 'fd_dup', /not supported yet: WASIX/],
    [
      'WASI 0.2',
      'wasi:cli/environment@0.2.0',
      'get-arguments',
      /it is for WASI 0\.2: supported are WASI preview 1 in modules/,
    ],
    ['WASI proposals', 'wasi_ephemeral_nn', 'load', /not supported yet: WASI proposals/],
    ['threads', 'wasi', 'thread-spawn', /starting threads is not supported yet/],
    ['nobody', 'env', 'f', /^wag-snap: i\.wat: unknown import: [^\n]*\n$/],
  ])('%s', async (_host, module, name, message) => {
    const { status, stderr } = await compile(`(module (import "${module}" "${name}" (func)))`);
    expect(status).toBe(3);
    expect(stderr).toMatch(message);
  });

  test('AssemblyScript', async () => {
    const { stderr } = await compile('(module (import "env" "abort" (func (param i32 i32 i32 i32))))');
    expect(stderr).toMatch(/made by AssemblyScript: asc --use abort=/);
  });
});
