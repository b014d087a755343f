/**
 * Golden listings: compiles the functions of a .wat alone (no image) and shows their code and sites.
 *
 * The trailing comments of each .wat hold what is expected: a listing for each CPU, a line an instruction with its
 * bytes. Comparing needs only the bytes; writing (BLESS=1) asks a disassembler for the text.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Target } from '../../src/arch/masm/target.js';
import { baseline } from '../../src/compile/baseline/generator.js';
import type { CodeEnvironment } from '../../src/compile/convention/environment.js';
import { SITE_ENTRY, SITE_LOOP } from '../../src/image/contract/site-tables.js';
import { SEGMENT_ALIGN } from '../../src/image/contract/sizes.js';
import { InstanceLayout, TypeIds } from '../../src/image/instance-layout.js';
import { HandlerTable } from '../../src/image/tables/handler-table.js';
import { SiteTables } from '../../src/image/tables/site-tables.js';
import type { Module } from '../../src/wasm/module.js';

export interface Listing {
  readonly index: number;
  readonly code: Uint8Array;
  /** `@offset kind body+offset`, a line a safepoint. */
  readonly sites: string[];
}

/** Compiles every function of the module in isolation: calls to imports, builtins and thunks go to text offset 0. */
export function listFunctions(module: Module, target: Target, deterministic = false): Listing[] {
  const masm = target.createAssembler();
  masm.imageStart = 4 * SEGMENT_ALIGN;
  const sites = new SiteTables();
  const environment: CodeEnvironment = {
    isHost: false,
    deterministic,
    sites,
    handlers: new HandlerTable(),
    tagRecord: (tag) => 3 * SEGMENT_ALIGN + tag * 32,
    tailSlots: 0,
    thunkOffset: () => 0,
    builtinOffset: () => 0,
    stubOffset: () => 0,
    emitBlockingSyscall: () => {},
    constantGlobal: () => undefined,
  };
  const layout = new InstanceLayout(module, 2 * SEGMENT_ALIGN, 1, new TypeIds());
  const compiler = baseline().begin(masm, { module, layout, environment, file: 'listing' });
  const ranges: [start: number, end: number, firstSite: number, endSite: number][] = [];
  for (let index = module.importedFuncCount; index < module.funcTypes.length; index++) {
    masm.align(16);
    const start = masm.offset;
    const firstSite = sites.sites.length;
    compiler.compile(index);
    ranges.push([start, masm.offset, firstSite, sites.sites.length]);
  }
  compiler.link();
  const code = masm.code();
  return ranges.map(([start, end, firstSite, endSite], i) => {
    const lines: string[] = [];
    for (let at = firstSite; at < endSite; at += 3) {
      const kind = sites.sites.words[at + 2] & 3;
      const name = kind === SITE_ENTRY ? 'entry' : kind === SITE_LOOP ? 'loop' : 'call';
      lines.push(
        `@${(sites.sites.words[at] - start).toString(16)} ${name} body+0x${sites.sites.words[at + 1].toString(16)}`,
      );
    }
    return { index: module.importedFuncCount + i, code: code.slice(start, end), sites: lines };
  });
}

/** The CPUs that every program has a listing for, in the order in which they stand in its file. */
export const CPUS = ['x64', 'arm64'] as const;
export type Cpu = (typeof CPUS)[number];

const HEADER = ';; -- ';

/** Splits a .wat into its program and the expected listing of each CPU ('' where there is none). */
export function splitExpected(wat: string): { program: string; expected: Record<Cpu, string> } {
  const [program, ...sections] = wat.split(new RegExp(`^${HEADER}`, 'm'));
  const of = (cpu: Cpu) => sections.find((section) => section.startsWith(`${cpu}\n`))?.slice(cpu.length + 1) ?? '';
  return { program: program.trimEnd(), expected: { x64: of('x64'), arm64: of('arm64') } };
}

/** Puts a program and its listings together again. */
export function joinExpected(program: string, listings: Record<Cpu, string>): string {
  return [`${program}\n`, ...CPUS.map((cpu) => `${HEADER}${cpu}\n${listings[cpu]}`)].join('\n');
}

/** The bytes that an expected listing stands for: what is compared. */
export function bytesOf(expected: string): string {
  return expected
    .split('\n')
    .filter((line) => line.startsWith(';; '))
    .map((line) => line.slice(3).split('|')[0].trim())
    .join('\n');
}

/**
 * The listing as text. With `disassemble`, instructions are split and named; otherwise one line of bytes a function.
 */
export function render(listings: readonly Listing[], disassemble?: (code: Uint8Array) => Instruction[]): string {
  const lines: string[] = [];
  for (const { index, code, sites } of listings) {
    lines.push(`;; func ${index}`, ...sites.map((site) => `;; ${site}`));
    if (disassemble === undefined) lines.push(`;; ${Buffer.from(code).toString('hex')}`);
    else for (const [bytes, text] of disassemble(code)) lines.push(`;; ${bytes} | ${text}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Joins the bytes of consecutive instruction lines, so that a listing equals one without line breaks. */
export function joined(bytes: string): string {
  return bytes.replace(/(?<=^[0-9a-f]+)\n(?=[0-9a-f]+$)/gm, '');
}

export type Instruction = readonly [bytes: string, text: string];

/** Disassembles code for blessing. x64's is that of binutils, arm64's that of LLVM: Debian's binutils knows one CPU. */
export function disassemblerFor(cpu: Cpu): (code: Uint8Array) => Instruction[] {
  return cpu === 'x64' ? disassembleX64 : disassembleArm64;
}

function disassembleX64(code: Uint8Array): Instruction[] {
  return withFile(code, (file) => {
    const text = tool('objdump', 'binutils', [
      '-D',
      '-b',
      'binary',
      '-m',
      'i386:x86-64',
      '-M',
      'intel',
      '--wide',
      file,
    ]);
    return instructions(text, /^\s*[0-9a-f]+:\t([0-9a-f ]+?)\s*\t(.*)$/);
  });
}

/** LLVM's objdump reads no plain bytes, its assembler's other side does: a line in, a line out. */
function disassembleArm64(code: Uint8Array): Instruction[] {
  const words: string[] = [];
  for (let at = 0; at < code.length; at += 4) words.push(Buffer.from(code.subarray(at, at + 4)).toString('hex'));
  const input = words.map((word) => word.replace(/../g, '0x$& ')).join('\n');
  return withFile(Buffer.from(input), (file) => {
    const result = spawnSync('llvm-mc', ['--disassemble', '-triple=aarch64', file], { encoding: 'utf8' });
    if (result.error) throw new Error('blessing listings needs llvm-mc (package llvm)');
    const lines = result.stdout.split('\n').map((line) => line.trim());
    const names = lines.filter((line) => line !== '' && line !== '.text');
    const invalid = new Set(
      [...result.stderr.matchAll(/:(\d+):\d+: warning: invalid/g)].map(([, line]) => Number(line)),
    );
    let next = 0;
    return words.map((word, i) => [word, invalid.has(i + 1) ? '.word' : names[next++].replace(/\s+/g, ' ')] as const);
  });
}

function instructions(text: string, pattern: RegExp): Instruction[] {
  return text
    .split('\n')
    .map((line) => pattern.exec(line))
    .filter((match) => match !== null)
    .map((match) => [match[1].replaceAll(' ', ''), match[2].replace(/\s+/g, ' ').trim()] as const);
}

function tool(name: string, debian: string, args: readonly string[]): string {
  const result = spawnSync(name, args, { encoding: 'utf8' });
  if (result.error || result.status !== 0) throw new Error(`blessing listings needs ${name} (package ${debian})`);
  return result.stdout;
}

function withFile<T>(bytes: Uint8Array, use: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-listing-'));
  try {
    const file = join(folder, 'code');
    writeFileSync(file, bytes);
    return use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
