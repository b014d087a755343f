/**
 * Listings of an image for `compile --dump`: its sections, its sites, where each value lives at a site, its machine code.
 *
 * For people and tests that compare by eye; not a format. Machine code is objdump's. Needs the image reader.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageDescription, readImage } from '../src/compile/metadata/image-reader.js';
import { SECTION } from '../src/compile/metadata/sections.js';
import type { LocalHome, Location } from '../src/compile/metadata/site-lookup.js';
import { typeOfCode } from '../src/compile/metadata/type-codes.js';
import { valTypeName } from '../src/compile/wasm/text.js';
import { ToolError } from '../src/errors.js';
import {
  FUNC_GUEST,
  FUNC_IMPORT,
  NO_LOCAL_REG,
  OPERAND_CONST,
  OPERAND_LOCAL,
  OPERAND_REG,
} from '../src/runtime/layout.js';
import { makeTemporaryFolder, removeTemporary } from '../src/temporary.js';

const SITE_KINDS = ['call', 'loop', 'entry'];

/** Prints a listing to stdout. */
export function dump(what: 'asm' | 'sites' | 'maps' | 'sections', bytes: Uint8Array): void {
  const image = readImage(bytes);
  const lines: string[] = [];
  if (what === 'sections') listSections(image, lines);
  else if (what === 'asm') listCode(image, lines);
  else listSites(image, lines, what === 'maps');
  process.stdout.write(`${lines.join('\n')}\n`);
}

function listSections({ elf }: ImageDescription, lines: string[]): void {
  for (const { name, fileOffset, size, imageOffset, flags } of elf.sections) {
    const loaded = flags & 2 ? ` loaded at ${hex(imageOffset)}` : '';
    lines.push(`${name.padEnd(20)} offset ${hex(fileOffset)} size ${hex(size)}${loaded}`);
  }
}

/** Function by function; with `maps`, where each local and operand is. */
function listSites(image: ImageDescription, lines: string[], maps: boolean): void {
  const { sites } = image;
  for (let row = 0; row < sites.functionCount; row++) {
    const owner = sites.function(row);
    if (owner.kind !== FUNC_GUEST && owner.kind !== FUNC_IMPORT) continue;
    lines.push(`${title(image, row)}: text ${hex(owner.start)}..${hex(owner.end)}, frame ${owner.frameSize}`);
    if (maps) for (const [i, home] of sites.locals(row).entries()) lines.push(`  local ${i}: ${formatHome(home)}`);
    const { first, end } = sites.sitesOf(row);
    for (let i = first; i < end; i++) {
      const site = sites.site(i);
      lines.push(`  ${SITE_KINDS[site.kind]} at ${site.bodyOffset}: text ${hex(site.textOffset)}`);
      if (!maps) continue;
      const { operands, results } = sites.shape(site);
      if (operands.length > 0) lines.push(`    operands ${operands.map(formatLocation).join(', ')}`);
      if (results.length > 0) lines.push(`    results ${results.map(formatLocation).join(', ')}`);
    }
  }
}

function title(image: ImageDescription, row: number): string {
  const { instance, index } = image.sites.function(row);
  return `instance ${instance} function ${index} <${image.functionName(row)}>`;
}

function formatHome({ type, reg, slot }: LocalHome): string {
  return `${typeName(type)} slot ${slot}${reg === NO_LOCAL_REG ? '' : `, ${register(reg)}`}`;
}

function formatLocation(at: Location): string {
  const type = typeName(at.type);
  if (at.kind === OPERAND_REG) return `${type} ${register(at.reg)}`;
  if (at.kind === OPERAND_LOCAL) return `${type} local ${at.local}`;
  if (at.kind === OPERAND_CONST) return `${type} ${hex(at.hi)}:${hex(at.lo)}`;
  return `${type} slot ${at.slot}`;
}

function typeName(code: number): string {
  return valTypeName(typeOfCode(code));
}

function register(reg: number): string {
  return reg < 32 ? `r${reg}` : `f${reg - 32}`;
}

/** Disassembles text, with a heading where each function starts. */
function listCode(image: ImageDescription, lines: string[]): void {
  const text = image.section(SECTION.text);
  if (text === undefined) return;
  const folder = makeTemporaryFolder();
  try {
    const file = join(folder, 'text');
    writeFileSync(file, image.source.read(text.fileOffset, image.identity.text.codeSize));
    const arm = image.arch === 'arm64';
    const machine = arm ? ['-m', 'aarch64'] : ['-m', 'i386:x86-64', '-M', 'intel'];
    const options = ['-D', '-b', 'binary', ...machine, '--no-show-raw-insn', file];
    const program = arm && process.arch !== 'arm64' ? 'aarch64-linux-gnu-objdump' : 'objdump';
    const { stdout, error, status } = spawnSync(program, options, { encoding: 'utf8', maxBuffer: 2 ** 31 - 1 });
    if (error || status !== 0)
      throw new ToolError('objdump', `cannot disassemble: is ${program} (binutils) installed?`);
    const headings = new Map<number, string>();
    for (let row = 0; row < image.sites.functionCount; row++)
      headings.set(image.sites.function(row).start, title(image, row));
    for (const line of stdout.split('\n')) {
      const match = /^\s*([0-9a-f]+):\s(.*)$/.exec(line);
      if (match === null) continue;
      const heading = headings.get(Number.parseInt(match[1], 16));
      if (heading !== undefined) lines.push('', `${heading}:`);
      lines.push(`${match[1].padStart(8)}  ${match[2].trim()}`);
    }
  } finally {
    removeTemporary(folder);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
