/**
 * Real programs for the tests: fetches Debian *source* packages and builds them into WASI modules with clang.
 *
 * apt works in a folder of our own (build/e2e/apt.PID): lists, cache and a sources list derived from the system's own,
 * with `deb` turned into `deb-src`, so neither the system's apt nor any other configuration is changed and no mirror is
 * named here. Everything is kept under build/e2e, so only the first run needs the network. Needs apt-get, dpkg-source,
 * clang, lld and wasi-libc; where something is missing the result says what, and the tests skip.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const folder = resolve('build/e2e');

export interface Recipe {
  /** Of the module that is built: NAME.wasm. */
  readonly name: string;
  /** Debian's source package. */
  readonly source: string;
  /** Our own files: a folder beside this file. */
  readonly shims: string;
  /** Sources below the unpacked package; those of ours follow them. */
  readonly files: (unpacked: string) => string[];
  readonly flags: readonly string[];
}

/** The module's path, or why there is none. */
export type Built = { readonly wasm: string } | { readonly missing: string };

/** Lua without errors as control flow and without coroutines; see lua/wasi.h. */
export const lua: Recipe = {
  name: 'lua',
  source: 'lua5.4',
  shims: 'test/e2e/lua',
  files: (unpacked) => cFiles(join(unpacked, 'src')).filter((file) => basename(file) !== 'luac.c'),
  flags: ['-D_WASI_EMULATED_PROCESS_CLOCKS', '-lwasi-emulated-process-clocks', '-Wl,-z,stack-size=1048576'],
};

export const bzip2: Recipe = {
  name: 'bzip2',
  source: 'bzip2',
  shims: 'test/e2e/bzip2',
  files: (unpacked) =>
    ['bzip2', 'blocksort', 'bzlib', 'compress', 'crctable', 'decompress', 'huffman', 'randtable'].map((name) =>
      join(unpacked, `${name}.c`),
    ),
  flags: ['-D_WASI_EMULATED_PROCESS_CLOCKS'],
};

/** Builds a program unless it is built already and newer than our own files for it. */
export async function build(recipe: Recipe): Promise<Built> {
  const wasm = join(folder, `${recipe.name}.wasm`);
  const own = filesIn(recipe.shims, /\.[ch]$/);
  if (existsSync(wasm) && own.every((file) => statSync(file).mtimeMs < statSync(wasm).mtimeMs)) return { wasm };

  for (const tool of ['clang', 'wasm-ld', 'dpkg-source', 'apt-get']) {
    if ((await command('sh', ['-c', `command -v ${tool}`])).code !== 0) return { missing: `${tool} is not installed` };
  }
  if (!existsSync('/usr/include/wasm32-wasi/stdio.h')) return { missing: 'wasi-libc is not installed' };

  const unpacked = await fetchSource(recipe.source);
  if (typeof unpacked !== 'string') return unpacked;
  const temporary = join(folder, `${recipe.name}.${process.pid}.wasm`);
  const { code, output } = await command('clang', [
    '--target=wasm32-wasi',
    '--sysroot=/usr',
    '-O2',
    '-w',
    '-D_WASI_EMULATED_SIGNAL',
    '-include',
    join(recipe.shims, 'wasi.h'),
    `-I${recipe.shims}`,
    `-I${unpacked}`,
    `-I${join(unpacked, 'src')}`,
    ...recipe.files(unpacked),
    ...cFiles(recipe.shims),
    '-lwasi-emulated-signal',
    '-lm',
    '-Wl,--strip-debug',
    ...recipe.flags,
    '-o',
    temporary,
  ]);
  if (code !== 0) return { missing: `clang could not build ${recipe.name}:\n${output}` };
  renameSync(temporary, wasm);
  return { wasm };
}

/** Returns the folder of the unpacked package, with Debian's patches applied. */
async function fetchSource(name: string): Promise<string | { missing: string }> {
  const target = join(folder, 'src', name);
  if (existsSync(target)) return target;
  const apt = aptOptions();
  const downloads = join(folder, 'download', `${name}.${process.pid}`);
  rmSync(downloads, { recursive: true, force: true });
  mkdirSync(downloads, { recursive: true });
  // An update may fail for one source among many; what counts is whether the package comes.
  await command('apt-get', [...apt, '-q', 'update']);
  const fetched = await command('apt-get', [...apt, '-q', 'source', '--download-only', name], downloads);
  const dsc = filesIn(downloads, /\.dsc$/)[0];
  if (fetched.code !== 0 || !dsc) return { missing: `apt has no source package ${name}:\n${fetched.output}` };
  mkdirSync(join(folder, 'src'), { recursive: true });
  const temporary = `${target}.${process.pid}`;
  const unpacked = await command('dpkg-source', ['-x', dsc, temporary]);
  if (unpacked.code !== 0) return { missing: `dpkg-source could not unpack ${name}:\n${unpacked.output}` };
  if (!existsSync(target)) renameSync(temporary, target);
  for (const path of [downloads, aptFolder()]) rmSync(path, { recursive: true, force: true });
  return target;
}

/** Two test files may fetch at the same time: each has its own. */
const aptFolder = (): string => join(folder, `apt.${process.pid}`);

/** Makes apt's folders and sources list; returns the options that point apt at them. */
function aptOptions(): string[] {
  const apt = aptFolder();
  const parts = join(apt, 'sources.list.d');
  for (const path of [parts, join(apt, 'state/lists/partial'), join(apt, 'cache/archives/partial')]) {
    mkdirSync(path, { recursive: true });
  }
  writeFileSync(join(apt, 'state/status'), '');
  const system = [
    ...filesIn('/etc/apt', /^sources\.list$/),
    ...filesIn('/etc/apt/sources.list.d', /\.(list|sources)$/),
  ];
  for (const file of system) {
    const text = readFileSync(file, 'utf8');
    const source = file.endsWith('.sources')
      ? text.replace(/^Types:.*$/gim, 'Types: deb-src')
      : text.replace(/^deb(?=\s)/gm, 'deb-src');
    writeFileSync(join(parts, basename(file) === 'sources.list' ? 'system.list' : basename(file)), source);
  }
  const settings = {
    'Dir::State': join(apt, 'state'),
    'Dir::State::status': join(apt, 'state/status'),
    'Dir::Cache': join(apt, 'cache'),
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': parts,
    'APT::Sandbox::User': '', // the folder is ours: a sandbox user could not write to it
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

const cFiles = (path: string): string[] => filesIn(path, /\.c$/);

function filesIn(path: string, pattern: RegExp): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((file) => pattern.test(file))
    .sort()
    .map((file) => join(path, file));
}

/** Runs a command; never throws. `output` is the end of what it said. */
function command(name: string, args: readonly string[], cwd?: string): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    const child = spawn(name, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (data: Buffer) => {
      output = (output + data.toString()).slice(-4000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => done({ code: 127, output: error.message }));
    child.on('close', (code) => done({ code: code ?? 128, output }));
  });
}
