/**
 * `compile --dump asm`: the machine code of an image, disassembled by objdump. With `--function`, the code of one
 * function, with each WebAssembly instruction above its code.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FunctionListing } from '../../src/api/compile-in-detail.js';
import { type ListedFunction, listCode, listFunctions, listInstructions } from '../../src/api/listing.js';
import type { OpenedImage } from '../../src/api/opened-image.js';
import { ToolError } from '../../src/base/errors.js';
import { makeTemporaryFolder, removeTemporary } from '../../src/base/temporary.js';

/** Lists all code, with a heading at the start of each function; or the code of one function. */
export function codeLines(
  image: OpenedImage,
  lines: string[],
  title: (owner: ListedFunction) => string,
  only?: FunctionListing,
): void {
  const code = listCode(image, only?.funcIndex);
  if (code === undefined) return;
  const headings = new Map<number, string>();
  for (const owner of listFunctions(image)) headings.set(owner.start, title(owner));
  const wasm = only === undefined ? new Map<number, string[]>() : wasmLines(only);
  for (const [offset, instruction] of disassemble(code.bytes, image.arch, code.start)) {
    const heading = headings.get(offset);
    if (heading !== undefined) lines.push('', `${heading}:`);
    lines.push(...(wasm.get(offset) ?? []), `${offset.toString(16).padStart(8)}  ${instruction}`);
  }
}

/** The module's instructions by the text offset where their code starts, including instructions without code. */
function wasmLines(listing: FunctionListing): Map<number, string[]> {
  const lines = new Map<number, string[]>();
  for (const { textOffset, bodyOffset, text } of listInstructions(listing)) {
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
