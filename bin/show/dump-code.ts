/**
 * `compile --dump asm`: the machine code of an image, as objdump disassembles it; with `--function`, of one function
 * with each WebAssembly instruction above the code it became.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, ToolError } from '../../src/base/errors.js';
import { makeTemporaryFolder, removeTemporary } from '../../src/base/temporary.js';
import { FUNC_GUEST } from '../../src/image/contract/site-tables.js';
import type { ImageDescription } from '../../src/image/reader.js';
import { SECTION } from '../../src/image/tables/sections.js';
import { ExternKind, type Module } from '../../src/wasm/module.js';
import { printInstruction } from '../../src/wasm/print-instruction.js';

/** Where the code of each instruction of one function starts: [offset in the body, text offset], in order of both. */
export interface FunctionListing {
  readonly module: Module;
  readonly funcIndex: number;
  readonly starts: (readonly [bodyOffset: number, textOffset: number])[];
}

/**
 * The function that `--function` names: by index, by the name it is exported by, or by its name in the name section.
 */
export function findFunction(module: Module, name: string): number {
  const exported = module.exports.find((entry) => entry.kind === ExternKind.Func && entry.name === name)?.index;
  const named = [...(module.names?.functions ?? [])].find(([, known]) => known === name)?.[0];
  const index = /^\d+$/.test(name) ? Number(name) : (exported ?? named);
  if (index === undefined) throw new InputError('function', `--function ${name}: no function has this name`);
  if (index < module.importedFuncCount || index >= module.funcTypes.length) {
    const range = `${module.importedFuncCount} to ${module.funcTypes.length - 1} have code`;
    throw new InputError('function', `--function ${name}: functions ${range}`);
  }
  return index;
}

/** Lists all code, with a heading where each function starts; or one function's. */
export function listCode(
  image: ImageDescription,
  lines: string[],
  title: (row: number) => string,
  only?: FunctionListing,
): void {
  const text = image.section(SECTION.text);
  if (text === undefined) return;
  const { start, end } = rangeOf(image, only?.funcIndex);
  const code = image.source.read(text.fileOffset + start, end - start);
  const headings = new Map<number, string>();
  for (let row = 0; row < image.sites.functionCount; row++) headings.set(image.sites.function(row).start, title(row));
  const wasm = only === undefined ? new Map<number, string[]>() : wasmLines(only);
  for (const [offset, instruction] of disassemble(code, image.arch, start)) {
    const heading = headings.get(offset);
    if (heading !== undefined) lines.push('', `${heading}:`);
    lines.push(...(wasm.get(offset) ?? []), `${offset.toString(16).padStart(8)}  ${instruction}`);
  }
}

/** Text offsets of what is listed. */
function rangeOf({ sites, identity }: ImageDescription, funcIndex: number | undefined): { start: number; end: number } {
  for (let row = 0; funcIndex !== undefined && row < sites.functionCount; row++) {
    const { kind, index, start, end } = sites.function(row);
    if (kind === FUNC_GUEST && index === funcIndex) return { start, end };
  }
  return { start: 0, end: identity.text.codeSize };
}

/** By text offset: the instructions of the module whose code starts there, those that became nothing included. */
function wasmLines({ module, funcIndex, starts }: FunctionListing): Map<number, string[]> {
  const lines = new Map<number, string[]>();
  const body = module.bodyStart[funcIndex - module.importedFuncCount];
  for (const [bodyOffset, textOffset] of starts) {
    const { text } = printInstruction(module.bytes, body + bodyOffset);
    const line = `          ;; +0x${bodyOffset.toString(16)} ${text}`;
    const here = lines.get(textOffset);
    if (here === undefined) lines.set(textOffset, [line]);
    else here.push(line);
  }
  return lines;
}

/** Text offset and text of each instruction. `start`: text offset of the first one. */
function disassemble(code: Uint8Array, arch: string, start: number): [offset: number, instruction: string][] {
  const folder = makeTemporaryFolder();
  try {
    const file = join(folder, 'text');
    writeFileSync(file, code);
    const arm = arch === 'arm64';
    const machine = arm ? ['-m', 'aarch64'] : ['-m', 'i386:x86-64', '-M', 'intel'];
    const options = ['-D', '-z', '-b', 'binary', ...machine, '--no-show-raw-insn', `--adjust-vma=${start}`, file];
    const foreign = arm && process.arch !== 'arm64';
    const program = foreign ? 'aarch64-linux-gnu-objdump' : 'objdump';
    const { stdout, error, status } = spawnSync(program, options, { encoding: 'utf8', maxBuffer: 2 ** 31 - 1 });
    if (error || status !== 0) {
      const from = foreign ? 'binutils-aarch64-linux-gnu' : 'binutils';
      throw new ToolError('objdump', `cannot disassemble: is ${program} (Debian: ${from}) installed?`);
    }
    return stdout
      .split('\n')
      .map((line) => /^\s*([0-9a-f]+):\s(.*)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, offset, instruction]) => [Number.parseInt(offset, 16), instruction.trim()]);
  } finally {
    removeTemporary(folder);
  }
}
