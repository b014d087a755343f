/**
 * What is in an image, as data, for those who look at the code: its sections, its functions with their sites, where
 * each value lives at a site, its machine code.
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
  /** Bytes. */
  readonly fileOffset: number;
  readonly size: number;
  /** Where it is loaded, in bytes from the image's start; undefined: it is not. */
  readonly imageOffset: number | undefined;
}

/** Offsets count from the first byte of the code. */
export interface ListedFunction {
  /** 0 is the host layer's. */
  readonly instance: number;
  readonly index: number;
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Bytes. */
  readonly frameSize: number;
  /** Whether it is a module's: a function with code, or an import's thunk. */
  readonly isGuest: boolean;
  /** Where its locals are, unless a site says otherwise. */
  homes(): ListedHome[];
  sites(): ListedSite[];
}

export interface ListedHome {
  readonly type: string;
  /** In units of 8 bytes. */
  readonly slot: number;
  /** Floating point ones from 32 on. */
  readonly register: number | undefined;
}

export interface ListedSite {
  readonly kind: 'call' | 'loop' | 'entry';
  readonly bodyOffset: number;
  readonly textOffset: number;
  /** Where the values are; empty lists where the homes say it. */
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
  /** Number of the slot, register or local. */
  readonly at: number;
  /** Of a constant, lowest first: 32 bits each. */
  readonly words: readonly number[];
}

const SITE_KINDS = ['call', 'loop', 'entry'] as const;

export function listSections(image: OpenedImage): ListedSection[] {
  return image.reader().elf.sections.map(({ name, fileOffset, size, imageOffset, flags }) => {
    return { name, fileOffset, size, imageOffset: flags & 2 ? imageOffset : undefined };
  });
}

/** All code in the order of its offsets; none when the image was compiled without site tables. */
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
  /** Offset of the first one. */
  readonly start: number;
}

/** All machine code, or that of one function of the module. Undefined: there is none. */
export function listCode(image: OpenedImage, funcIndex?: number): ListedCode | undefined {
  const reader = image.reader();
  const text = reader.section(SECTION.text);
  if (text === undefined) return undefined;
  const { start, end } = rangeOf(reader, funcIndex);
  return { bytes: reader.source.read(text.fileOffset + start, end - start), start };
}

function rangeOf({ sites, identity }: ImageReader, funcIndex: number | undefined): { start: number; end: number } {
  const main = identity.instances.length - 1; // which funcIndex is of
  for (let row = 0; funcIndex !== undefined && row < sites.functionCount; row++) {
    const { kind, index, start, end, instance } = sites.function(row);
    if (kind === FUNC_GUEST && instance === main && index === funcIndex) return { start, end };
  }
  return { start: 0, end: identity.text.codeSize };
}

export interface ListedInstruction {
  /** Where its code starts, if it became any. */
  readonly textOffset: number;
  readonly bodyOffset: number;
  /** As in the text format. */
  readonly text: string;
}

/** In the order of the module. */
export function listInstructions({ module, funcIndex, starts }: FunctionListing): ListedInstruction[] {
  const body = module.bodyStart[funcIndex - module.importedFuncCount];
  return starts.map(([bodyOffset, textOffset]) => {
    return { textOffset, bodyOffset, text: printInstruction(module.bytes, body + bodyOffset).text };
  });
}
