/**
 * Listings of an image for `compile --dump`: its sections, its sites, the location of each value at a site, its machine
 * code (dump-code.ts).
 *
 * For people, and for tests that compare text; not a stable format.
 */

import type { FunctionListing } from '../../src/api/compile-in-detail.js';
import {
  type ListedFunction,
  type ListedHome,
  type ListedValue,
  listFunctions,
  listSections,
} from '../../src/api/listing.js';
import type { OpenedImage } from '../../src/api/opened-image.js';
import { terminalText } from '../../src/base/terminal-text.js';
import { codeLines } from './dump-code.js';

/** Longer lists of operands are cut off after this many. */
const LONG = 64;
const SHOWN = 16;

/** Prints a listing to stdout. @param only for code: one function's */
export function dump(what: 'asm' | 'sites' | 'maps' | 'sections', image: OpenedImage, only?: FunctionListing): void {
  const lines: string[] = [];
  if (what === 'sections') sectionLines(image, lines);
  else if (what === 'asm') codeLines(image, lines, title, only);
  else siteLines(image, lines, what === 'maps');
  process.stdout.write(`${lines.join('\n')}\n`);
}

function sectionLines(image: OpenedImage, lines: string[]): void {
  for (const { name, fileOffset, size, imageOffset } of listSections(image)) {
    const loaded = imageOffset === undefined ? '' : ` loaded at ${hex(imageOffset)}`;
    lines.push(`${terminalText(name).padEnd(20)} offset ${hex(fileOffset)} size ${hex(size)}${loaded}`);
  }
}

/** Function by function; with `maps`, the location of each local and operand. */
function siteLines(image: OpenedImage, lines: string[], maps: boolean): void {
  for (const owner of listFunctions(image)) {
    if (!owner.isGuest) continue;
    lines.push(`${title(owner)}: text ${hex(owner.start)}..${hex(owner.end)}, frame ${owner.frameSize}`);
    if (maps) for (const [i, home] of owner.homes().entries()) lines.push(`  local ${i}: ${formatHome(home)}`);
    for (const site of owner.sites()) {
      lines.push(`  ${site.kind} at ${site.bodyOffset}: text ${hex(site.textOffset)}`);
      if (!maps) continue;
      for (const [what, values] of Object.entries(site.values())) {
        if (values.length > 0) lines.push(`    ${what} ${formatValues(values)}`);
      }
    }
  }
}

function title({ instance, index, name }: ListedFunction): string {
  return `instance ${instance} function ${index} <${terminalText(name)}>`;
}

function formatHome({ type, register, slot }: ListedHome): string {
  return `${type} slot ${slot}${register === undefined ? '' : `, ${formatRegister(register)}`}`;
}

/** The deepest operands, and how many follow, when the stack is very deep. */
function formatValues(values: readonly ListedValue[]): string {
  const shown = values.slice(0, values.length > LONG ? SHOWN : LONG).map(formatValue);
  const more = values.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function formatValue({ type, place, at, words }: ListedValue): string {
  switch (place) {
    case 'register':
      return `${type} ${formatRegister(at)}`;
    case 'constant':
      return `${type} ${words.map(hex).reverse().join(':')}`;
    case 'dead':
      return `${type} dead`;
    default:
      return `${type} ${place} ${at}`;
  }
}

function formatRegister(reg: number): string {
  return reg < 32 ? `r${reg}` : `f${reg - 32}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
