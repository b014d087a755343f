/**
 * The contents of an image as data, for those who study the code: its sections, its functions with their sites, the
 * location of each value at a site, its machine code.
 */

import { FUNC_GUEST, FUNC_IMPORT, NO_LOCAL_REG, SITE_ENTRY } from '../image/contract/site-tables.js';
import type { ImageDescription as ImageReader } from '../image/reader.js';
import { type LocalHome, type Location, Place } from '../image/tables/frame-map.js';
import { SECTION } from '../image/tables/sections.js';
import type { FunctionRow, SiteRow } from '../image/tables/site-lookup.js';
import { printInstruction } from '../wasm/print-instruction.js';
import { valTypeName } from '../wasm/text.js';
import type { FunctionListing } from './compile-in-detail.js';
import type { OpenedImage } from './opened-image.js';

export interface ListedSection {
  readonly name: string;
  /** Size in bytes. */
  readonly fileOffset: number;
  readonly size: number;
  /** Offset from the image's start at which it is loaded; undefined: it is not loaded. */
  readonly imageOffset: number | undefined;
}

/** Offsets count from the first byte of the code. */
export interface ListedFunction {
  /** The instance; 0 is the host layer. */
  readonly instance: number;
  readonly index: number;
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Size in bytes. */
  readonly frameSize: number;
  /** Whether the code belongs to a module: a function of it, or an import's thunk. */
  readonly isGuest: boolean;
  /** The homes of its locals, which hold at each site unless the site says otherwise. */
  homes(): ListedHome[];
  sites(): ListedSite[];
}

export interface ListedHome {
  readonly type: string;
  /** The offset, in units of 8 bytes. */
  readonly slot: number;
  /** Register number; floating-point registers count from 32. */
  readonly register: number | undefined;
}

export interface ListedSite {
  readonly kind: 'call' | 'loop' | 'entry';
  readonly bodyOffset: number;
  readonly textOffset: number;
  /** The locations of the values; empty lists where all are at home. */
  values(): ListedValues;
}

export interface ListedValues {
  readonly parameters: readonly ListedValue[];
  readonly locals: readonly ListedValue[];
  readonly operands: readonly ListedValue[];
  readonly results: readonly ListedValue[];
}

export interface ListedValue {
  readonly type: string;
  readonly place: 'slot' | 'register' | 'constant' | 'local' | 'dead';
  /** The number of the slot, register or local. */
  readonly at: number;
  /** The bits of a constant: 32 each, lowest first. */
  readonly words: readonly number[];
}

const SITE_KINDS = ['call', 'loop', 'entry'] as const;

export function listSections(image: OpenedImage): ListedSection[] {
  return image.reader().elf.sections.map(({ name, fileOffset, size, imageOffset, flags }) => {
    return { name, fileOffset, size, imageOffset: flags & 2 ? imageOffset : undefined };
  });
}

/** All code by ascending offset; nothing for an image without site tables. */
export function* listFunctions(image: OpenedImage): Generator<ListedFunction, void> {
  const reader = image.reader();
  const { sites } = reader;
  for (let row = 0; row < sites.functionCount; row++) yield listedFunction(reader, sites.function(row));
}

function listedFunction(reader: ImageReader, row: FunctionRow): ListedFunction {
  const { sites } = reader;
  const { instance, index, start, end, frameSize, kind } = row;
  return {
    instance,
    index,
    name: reader.functionName(row.row),
    start,
    end,
    frameSize,
    isGuest: kind === FUNC_GUEST || kind === FUNC_IMPORT,
    homes: () => sites.homes(row.row).map(listedHome),
    sites: () => {
      const { first, end } = sites.sitesOf(row.row);
      return Array.from({ length: end - first }, (_, i) => listedSite(reader, row, sites.site(first + i)));
    },
  };
}

function listedSite({ sites }: ImageReader, { row }: FunctionRow, site: SiteRow): ListedSite {
  const values = () => {
    const { placesLocals, locals, operands, results } = sites.frameMap(row, site);
    const isEntry = site.kind === SITE_ENTRY;
    return {
      parameters: isEntry ? locals.map(listedValue) : [],
      locals: !isEntry && placesLocals ? locals.map(listedValue) : [],
      operands: operands.map(listedValue),
      results: results.map(listedValue),
    };
  };
  const { bodyOffset, textOffset } = site;
  return { kind: SITE_KINDS[site.kind], bodyOffset, textOffset, values };
}

function listedHome({ type, reg, slot }: LocalHome): ListedHome {
  return { type: valTypeName(type), slot, register: reg === NO_LOCAL_REG ? undefined : reg };
}

function listedValue({ type, place, at, words, local }: Location): ListedValue {
  const value = { type: valTypeName(type), at, words };
  if (local >= 0) return { ...value, place: 'local', at: local };
  switch (place) {
    case Place.Slot:
      return { ...value, place: 'slot' };
    case Place.Register:
      return { ...value, place: 'register' };
    case Place.Constant:
      return { ...value, place: 'constant' };
    default:
      return { ...value, place: 'dead' };
  }
}

export interface ListedCode {
  readonly bytes: Uint8Array;
  /** Offset of the first instruction. */
  readonly start: number;
}

/** The machine code of all functions, or of one function of the main module. Undefined: there is none. */
export function listCode(image: OpenedImage, funcIndex?: number): ListedCode | undefined {
  const reader = image.reader();
  const text = reader.section(SECTION.text);
  if (text === undefined) return undefined;
  const { start, end } = rangeOf(reader, funcIndex);
  return { bytes: reader.source.read(text.fileOffset + start, end - start), start };
}

function rangeOf({ sites, identity }: ImageReader, funcIndex: number | undefined): { start: number; end: number } {
  const main = identity.instances.length - 1; // the instance of funcIndex
  for (let row = 0; funcIndex !== undefined && row < sites.functionCount; row++) {
    const { kind, index, start, end, instance } = sites.function(row);
    if (kind === FUNC_GUEST && instance === main && index === funcIndex) return { start, end };
  }
  return { start: 0, end: identity.text.codeSize };
}

export interface ListedInstruction {
  /** Where its code starts; undefined when it has none. */
  readonly textOffset: number;
  readonly bodyOffset: number;
  /** The instruction in the text format. */
  readonly text: string;
}

/** Instructions in the module's order. */
export function listInstructions({ module, funcIndex, starts }: FunctionListing): ListedInstruction[] {
  const body = module.bodyStart[funcIndex - module.importedFuncCount];
  return starts.map(([bodyOffset, textOffset]) => {
    return { textOffset, bodyOffset, text: printInstruction(module.bytes, body + bodyOffset).text };
  });
}
