/**
 * Listings of an image for `compile --dump`: its sections, its sites, where each value lives at a site, its
 * machine code (dump-code.ts).
 *
 * For people and tests that compare by eye; not a format.  Needs the image reader.
 */

import { terminalText } from '../../src/base/terminal-text.js';
import { FUNC_GUEST, FUNC_IMPORT, NO_LOCAL_REG, SITE_ENTRY } from '../../src/image/contract/site-tables.js';
import { type ImageDescription, readImage } from '../../src/image/reader.js';
import { type LocalHome, type Location, Place } from '../../src/image/tables/frame-map.js';
import { valTypeName } from '../../src/wasm/text.js';
import { type FunctionListing, listCode } from './dump-code.js';

/** More operands than this are cut off, after so many. */
const LONG = 64;
const SHOWN = 16;
const SITE_KINDS = ['call', 'loop', 'entry'];

/** Prints a listing to stdout. @param only of code: one function's */
export function dump(what: 'asm' | 'sites' | 'maps' | 'sections', bytes: Uint8Array, only?: FunctionListing): void {
  const image = readImage(bytes);
  const lines: string[] = [];
  if (what === 'sections') listSections(image, lines);
  else if (what === 'asm') listCode(image, lines, (row) => title(image, row), only);
  else listSites(image, lines, what === 'maps');
  process.stdout.write(`${lines.join('\n')}\n`);
}

function listSections({ elf }: ImageDescription, lines: string[]): void {
  for (const { name, fileOffset, size, imageOffset, flags } of elf.sections) {
    const loaded = flags & 2 ? ` loaded at ${hex(imageOffset)}` : '';
    lines.push(`${terminalText(name).padEnd(20)} offset ${hex(fileOffset)} size ${hex(size)}${loaded}`);
  }
}

/** Function by function; with `maps`, where each local and operand is. */
function listSites(image: ImageDescription, lines: string[], maps: boolean): void {
  const { sites } = image;
  for (let row = 0; row < sites.functionCount; row++) {
    const owner = sites.function(row);
    if (owner.kind !== FUNC_GUEST && owner.kind !== FUNC_IMPORT) continue;
    lines.push(`${title(image, row)}: text ${hex(owner.start)}..${hex(owner.end)}, frame ${owner.frameSize}`);
    if (maps) for (const [i, home] of sites.homes(row).entries()) lines.push(`  local ${i}: ${formatHome(home)}`);
    const { first, end } = sites.sitesOf(row);
    for (let i = first; i < end; i++) {
      const site = sites.site(i);
      lines.push(`  ${SITE_KINDS[site.kind]} at ${site.bodyOffset}: text ${hex(site.textOffset)}`);
      if (!maps) continue;
      const { placesLocals, locals, operands, results } = sites.frameMap(row, site);
      const list = (what: string, values: readonly Location[]) => {
        if (values.length > 0) lines.push(`    ${what} ${formatLocations(values)}`);
      };
      if (site.kind === SITE_ENTRY) list('parameters', locals);
      else if (placesLocals) list('locals', locals);
      list('operands', operands);
      list('results', results);
    }
  }
}

function title(image: ImageDescription, row: number): string {
  const { instance, index } = image.sites.function(row);
  return `instance ${instance} function ${index} <${terminalText(image.functionName(row))}>`;
}

function formatHome({ type, reg, slot }: LocalHome): string {
  return `${valTypeName(type)} slot ${slot}${reg === NO_LOCAL_REG ? '' : `, ${register(reg)}`}`;
}

/** The deepest ones and how many follow, of a stack that is very deep. */
function formatLocations(locations: readonly Location[]): string {
  const shown = locations.slice(0, locations.length > LONG ? SHOWN : LONG).map(formatLocation);
  const more = locations.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function formatLocation({ type, place, at, words, local }: Location): string {
  return `${valTypeName(type)} ${local >= 0 ? `local ${local}` : formatPlace(place, at, words)}`;
}

function formatPlace(place: Place, at: number, words: readonly number[]): string {
  switch (place) {
    case Place.Slot:
      return `slot ${at}`;
    case Place.Register:
      return register(at);
    case Place.Constant:
      return words.map(hex).reverse().join(':');
    default:
      return 'dead';
  }
}

function register(reg: number): string {
  return reg < 32 ? `r${reg}` : `f${reg - 32}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
