/**
 * Golden listings: compiles the functions of a .wat alone (no image) and shows their code and sites.
 *
 * The trailing comment of each .wat holds what is expected, a line an instruction with its bytes. Comparing needs only
 * the bytes; writing (BLESS=1) asks objdump for the text.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Target } from '../../src/arch/target.js';
import { FunctionCompiler } from '../../src/compile/baseline/compile-function.js';
import type { CodeEnvironment } from '../../src/compile/baseline/environment.js';
import { InstanceLayout, TypeIds } from '../../src/compile/image/instance-layout.js';
import { HandlerTable } from '../../src/compile/metadata/handler-table.js';
import { SiteTables } from '../../src/compile/metadata/site-tables.js';
import type { Module } from '../../src/compile/wasm/module.js';
import { SEGMENT_ALIGN, SITE_ENTRY, SITE_LOOP } from '../../src/runtime/layout.js';

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
  const compiler = new FunctionCompiler(masm, module, layout, environment, 'listing');
  const ranges: [start: number, end: number, firstSite: number, endSite: number][] = [];
  for (let index = module.importedFuncCount; index < module.funcTypes.length; index++) {
    masm.align(16);
    const start = masm.offset;
    const firstSite = sites.sites.length;
    compiler.compile(index);
    ranges.push([start, masm.offset, firstSite, sites.sites.length]);
  }
  compiler.linkCalls();
  const code = masm.code();
  return ranges.map(([start, end, firstSite, endSite], i) => {
    const lines: string[] = [];
    for (let at = firstSite; at < endSite; at += 3) {
      const kind = sites.sites.words[at + 2] >>> 30;
      const name = kind === SITE_ENTRY ? 'entry' : kind === SITE_LOOP ? 'loop' : 'call';
      lines.push(
        `@${(sites.sites.words[at] - start).toString(16)} ${name} body+0x${sites.sites.words[at + 1].toString(16)}`,
      );
    }
    return { index: module.importedFuncCount + i, code: code.slice(start, end), sites: lines };
  });
}

const HEADER = ';; -- code';

/** Splits a .wat into its program and the expected listing. */
export function splitExpected(wat: string): { program: string; expected: string } {
  const at = wat.indexOf(HEADER);
  return at < 0
    ? { program: wat.trimEnd(), expected: '' }
    : { program: wat.slice(0, at).trimEnd(), expected: wat.slice(at) };
}

/** The bytes that an expected listing stands for: what is compared. */
export function bytesOf(expected: string): string {
  return expected
    .split('\n')
    .filter((line) => line.startsWith(';; ') && !line.startsWith(HEADER))
    .map((line) => line.slice(3).split('|')[0].trim())
    .join('\n');
}

/** The listing as text. With `disassemble`, instructions are split and named; otherwise one line of bytes a function. */
export function render(listings: readonly Listing[], disassemble: boolean): string {
  const lines = [HEADER];
  for (const { index, code, sites } of listings) {
    lines.push(`;; func ${index}`, ...sites.map((site) => `;; ${site}`));
    for (const [bytes, text] of disassemble ? disassembled(code) : [[Buffer.from(code).toString('hex'), ''] as const]) {
      lines.push(text === '' ? `;; ${bytes}` : `;; ${bytes} | ${text}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Joins the bytes of consecutive instruction lines, so that a listing equals one without line breaks. */
export function joined(bytes: string): string {
  return bytes.replace(/(?<=^[0-9a-f]+)\n(?=[0-9a-f]+$)/gm, '');
}

function disassembled(code: Uint8Array): (readonly [bytes: string, text: string])[] {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-listing-'));
  try {
    const file = join(folder, 'code.bin');
    writeFileSync(file, code);
    const args = ['-D', '-b', 'binary', '-m', 'i386:x86-64', '-M', 'intel', '--wide', file];
    const result = spawnSync('objdump', args, { encoding: 'utf8' });
    if (result.status !== 0) throw new Error('blessing listings needs objdump (package binutils)');
    return result.stdout
      .split('\n')
      .map((line) => /^\s*[0-9a-f]+:\t([0-9a-f ]+?)\s*\t(.*)$/.exec(line))
      .filter((match) => match !== null)
      .map((match) => [match[1].replaceAll(' ', ''), match[2].replace(/\s+/g, ' ').trim()] as const);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
