/**
 * The file of an image: loaded segments at file offset = image offset, then what is not loaded.
 *
 *     0          ELF header, program headers                     R
 *     DATA                                                       RW
 *     TEXT                                                       RX
 *     RODATA     segments' bytes, exception tables, windows of blocking calls, base relocations   R
 *                trap text (64 KiB aligned), site tables, names, identity, modules, section headers
 *
 * Kept as parts with gaps of zeros in between, so that writing needs no second copy of anything large.
 */

import type { Target } from '../../arch/masm/target.js';
import {
  RT_BASE_RELOC_COUNT,
  RT_BASE_RELOCS,
  RT_FUNCS_FILE,
  RT_NAMES_FILE,
  RT_PLACES_FILE,
  RT_SITES_FILE,
  RT_TEXT_FILE,
  RT_TRAP_TEXT_FILE,
  RT_TRAPS_FILE,
} from '../../image/contract/runtime-block.js';
import { SEGMENT_ALIGN } from '../../image/contract/sizes.js';
import {
  encodeHeaders,
  encodeSections,
  PF_R,
  PF_W,
  PF_X,
  PT_GNU_STACK,
  PT_LOAD,
  type Section,
  type Segment,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_PROGBITS,
  SHT_STRTAB,
  SHT_SYMTAB,
} from '../../image/elf.js';
import { encodeSymbols } from '../../image/symbols.js';
import { encodeNames } from '../../image/tables/names.js';
import { SECTION } from '../../image/tables/sections.js';
import type { SiteTables } from '../../image/tables/site-tables.js';
import type { DataImage } from './data-image.js';
import { DATA_START } from './data-layout.js';

/** Bytes that lie at an offset of the file. */
export interface Part {
  readonly fileOffset: number;
  readonly bytes: Uint8Array;
}

export interface ImageParts {
  readonly parts: readonly Part[];
  /** Bytes of the file. */
  readonly size: number;
}

export interface ImageContents {
  readonly target: Target;
  readonly data: DataImage;
  readonly textStart: number;
  readonly text: Uint8Array; // padded
  readonly codeSize: number;
  readonly entry: number; // image offset
  readonly rodataStart: number;
  readonly constants: readonly Uint8Array[]; // what RODATA begins with; multiples of 4 bytes
  readonly sites: SiteTables | undefined;
  readonly names: readonly string[]; // of the function table's rows
  readonly places: Uint8Array; // image/tables/places.ts
  readonly identity: Uint8Array;
  readonly modules: readonly Uint8Array[]; // those that the image carries
}

/** Puts the file together, and writes its places into the runtime block: the last step of linking. */
export function layOutFile(contents: ImageContents): ImageParts {
  const { data, text, textStart, rodataStart, constants, sites } = contents;
  const constantSize = constants.reduce((sum, { length }) => sum + length, 0);
  const file = new FileBuilder();
  const relocationStart = rodataStart + constantSize;
  data.u64(DATA_START + RT_BASE_RELOCS, relocationStart);
  data.u64(DATA_START + RT_BASE_RELOC_COUNT, data.relocations.length);
  data.u64(DATA_START + RT_TEXT_FILE, textStart);
  const relocations = data.relocations.bytes();
  const rodataSize = constantSize + relocations.length;

  file.loaded(SECTION.data, SHF_WRITE, data.start, [data.bytes], data.bytes.length);
  file.loaded(SECTION.text, SHF_EXECINSTR, textStart, [text], contents.codeSize);
  file.loaded(SECTION.rodata, 0, rodataStart, [...constants, relocations], rodataSize);
  if (sites) {
    data.u64(DATA_START + RT_TRAP_TEXT_FILE, file.add(SECTION.trapText, [trapText(contents, sites)], SEGMENT_ALIGN));
    addTables(file, data, sites, contents.names, contents.places);
  }
  file.add(SECTION.identity, [contents.identity]);
  if (contents.modules.length > 0) file.add(SECTION.wasm, contents.modules);
  if (sites) file.addSymbols(sites.functions.words, contents.names, textStart);
  const segments = [
    loadSegment(PF_R, 0, HEADERS_SIZE),
    loadSegment(PF_R | PF_W, data.start, data.bytes.length),
    loadSegment(PF_R | PF_X, textStart, text.length),
    loadSegment(PF_R, rodataStart, rodataSize),
    STACK_SEGMENT,
  ].filter((segment) => segment.type !== PT_LOAD || segment.fileSize > 0);
  return file.finish(contents.target.elfMachine, contents.entry, segments);
}

/** Adds the site tables, and writes into the runtime block where they are. */
export function addTables(
  file: FileBuilder,
  data: DataImage,
  sites: SiteTables,
  names: readonly string[],
  places: Uint8Array,
): void {
  const table = (name: string, bytes: Uint8Array, field?: number) => {
    const offset = file.add(name, [bytes]);
    if (field === undefined) return;
    data.u64(DATA_START + field, offset);
    data.u64(DATA_START + field + 8, bytes.length);
  };
  const stored = sites.sections();
  table(SECTION.functions, stored.functions, RT_FUNCS_FILE);
  table(SECTION.locals, stored.locals);
  table(SECTION.sites, stored.sites, RT_SITES_FILE);
  table(SECTION.shapes, stored.shapes);
  table(SECTION.traps, stored.traps, RT_TRAPS_FILE);
  table(SECTION.pins, stored.pins);
  table(SECTION.names, encodeNames(names), RT_NAMES_FILE);
  table(SECTION.places, places, RT_PLACES_FILE);
}

/** What the first segment loads: the ELF header and up to eight program headers. */
export const HEADERS_SIZE = 512;

/** Says that the stack is not executable. */
export const STACK_SEGMENT: Segment = {
  type: PT_GNU_STACK,
  flags: PF_R | PF_W,
  fileOffset: 0,
  imageOffset: 0,
  fileSize: 0,
  memorySize: 0,
  align: 16,
};

export function loadSegment(flags: number, start: number, size: number): Segment {
  return {
    type: PT_LOAD,
    flags,
    fileOffset: start,
    imageOffset: start,
    fileSize: size,
    memorySize: size,
    align: SEGMENT_ALIGN,
  };
}

/** Text with the trap instruction at each safepoint (ARCHITECTURE.md, "Stop, capture, continue"). */
export function trapText({ text, target }: Pick<ImageContents, 'text' | 'target'>, sites: SiteTables): Uint8Array {
  const copy = text.slice();
  const { words, length } = sites.sites;
  const trap = target.safepointTrap;
  if (trap.length === 1) for (let i = 0; i < length; i += 3) copy[words[i]] = trap[0];
  else for (let i = 0; i < length; i += 3) copy.set(trap, words[i]);
  return copy;
}

/** Collects parts and the sections that describe them; offsets ascend. */
export class FileBuilder {
  private readonly parts: Part[] = [];
  private readonly sections: Section[] = [];
  private end = 0;

  /** A loaded section at its image offset; `size` is what the section header says. */
  loaded(name: string, flags: number, start: number, pieces: readonly Uint8Array[], size: number): void {
    this.end = start;
    this.append(pieces);
    if (size > 0) this.section(name, SHF_ALLOC | flags, start, start, size, 16);
  }

  /** Leaves a gap: what is added next comes at `offset` or after it. */
  skipTo(offset: number): void {
    this.end = offset;
  }

  /** A section that is not loaded; returns its file offset. */
  add(name: string, pieces: readonly Uint8Array[], alignment = 8): number {
    this.end = Math.ceil(this.end / alignment) * alignment;
    const start = this.end;
    this.append(pieces);
    this.section(name, 0, 0, start, this.end - start, alignment);
    return start;
  }

  addSymbols(functions: Uint32Array, names: readonly string[], textStart: number): void {
    const textSection = this.sections.findIndex(({ name }) => name === SECTION.text) + 1;
    const { symtab, strtab, count } = encodeSymbols(functions, names, textStart, textSection);
    this.add('.symtab', [symtab]);
    const link = this.sections.length + 1; // .strtab, the next one
    this.amend({ type: SHT_SYMTAB, link, info: count, entrySize: symtab.length / count });
    this.add('.strtab', [strtab], 1);
    this.amend({ type: SHT_STRTAB });
  }

  finish(machine: number, entry: number, segments: readonly Segment[]): ImageParts {
    const start = (this.end + 7) & ~7;
    const { bytes, headers, count } = encodeSections(this.sections, start);
    this.parts.push({ fileOffset: start, bytes });
    this.parts.unshift({ fileOffset: 0, bytes: encodeHeaders({ machine, entry, segments }, headers, count) });
    return { parts: this.parts, size: start + bytes.length };
  }

  /** Changes the last section. */
  private amend(change: Partial<Section>): void {
    this.sections.push({ ...this.sections.pop()!, ...change });
  }

  private append(pieces: readonly Uint8Array[]): void {
    for (const bytes of pieces) {
      if (bytes.length > 0) this.parts.push({ fileOffset: this.end, bytes });
      this.end += bytes.length;
    }
  }

  private section(name: string, flags: number, imageOffset: number, fileOffset: number, size: number, align: number) {
    const base = { name, type: SHT_PROGBITS, link: 0, info: 0, entrySize: 0 };
    this.sections.push({ ...base, flags, imageOffset, fileOffset, size, align });
  }
}
