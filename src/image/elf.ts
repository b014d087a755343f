/**
 * The structures of ELF64 that an image uses, for writing (encodeHeaders, encodeSections) and reading (readElf). System
 * V gABI chapters 4 and 5.
 *
 * An image is an ET_DYN file without interpreter and dynamic section: the kernel loads it at a random base, and start
 * relocates it.
 */

import { InputError } from '../base/errors.js';
import type { FileSource } from './file-source.js';
import { damaged } from './tables/damaged.js';

const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
const SHDR_SIZE = 64;

export const PT_LOAD = 1;
export const PT_GNU_STACK = 0x6474e551;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
const SHT_NOBITS = 8;
export const SHF_WRITE = 1;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;
const ET_DYN = 3;
/** The longest section name that is read, and the most bytes of all names: only our own names matter. */
const NAME_MAX = 256;
const NAMES_MAX = 1 << 24;

export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly fileOffset: number;
  readonly imageOffset: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly imageOffset: number; // 0 when not loaded
  readonly fileOffset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entrySize: number;
}

export interface ElfFile {
  readonly machine: number;
  readonly entry: number;
  readonly segments: readonly Segment[];
  readonly sections: readonly Section[]; // without the null section
}

/** Encodes the ELF header and the program headers, which are at offset 0. */
export function encodeHeaders(elf: Omit<ElfFile, 'sections'>, sectionOffset: number, sectionCount: number): Uint8Array {
  const bytes = new Uint8Array(EHDR_SIZE + PHDR_SIZE * elf.segments.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]); // ELF, 64 bits, little-endian, version 1, System V
  view.setUint16(16, ET_DYN, true);
  view.setUint16(18, elf.machine, true);
  view.setUint32(20, 1, true);
  setWord(view, 24, elf.entry);
  setWord(view, 32, EHDR_SIZE);
  setWord(view, 40, sectionOffset);
  view.setUint16(52, EHDR_SIZE, true);
  view.setUint16(54, PHDR_SIZE, true);
  view.setUint16(56, elf.segments.length, true);
  view.setUint16(58, SHDR_SIZE, true);
  view.setUint16(60, sectionCount, true);
  view.setUint16(62, sectionCount - 1, true); // names are in the last section
  elf.segments.forEach((segment, index) => {
    const at = EHDR_SIZE + PHDR_SIZE * index;
    view.setUint32(at, segment.type, true);
    view.setUint32(at + 4, segment.flags, true);
    setWord(view, at + 8, segment.fileOffset);
    setWord(view, at + 16, segment.imageOffset);
    setWord(view, at + 24, segment.imageOffset);
    setWord(view, at + 32, segment.fileSize);
    setWord(view, at + 40, segment.memorySize);
    setWord(view, at + 48, segment.align);
  });
  return bytes;
}

/**
 * The section names and, 8-aligned after them, the section headers (a null section first, .shstrtab last).
 * @param fileOffset the result's place in the file, a multiple of 8
 */
export function encodeSections(
  sections: readonly Section[],
  fileOffset: number,
): { bytes: Uint8Array; headers: number; count: number } {
  const names = ['', ...sections.map((section) => section.name), '.shstrtab'];
  const text = Buffer.from(`${names.join('\0')}\0`, 'latin1');
  const start = (text.length + 7) & ~7;
  const bytes = new Uint8Array(start + SHDR_SIZE * names.length);
  bytes.set(text);
  const view = new DataView(bytes.buffer);
  const all = [
    ...sections,
    {
      name: '.shstrtab',
      type: SHT_STRTAB,
      flags: 0,
      imageOffset: 0,
      fileOffset,
      size: text.length,
      link: 0,
      info: 0,
      align: 1,
      entrySize: 0,
    },
  ];
  let name = 1;
  all.forEach((section, index) => {
    const at = start + SHDR_SIZE * (index + 1);
    view.setUint32(at, name, true);
    view.setUint32(at + 4, section.type, true);
    setWord(view, at + 8, section.flags);
    setWord(view, at + 16, section.imageOffset);
    setWord(view, at + 24, section.fileOffset);
    setWord(view, at + 32, section.size);
    view.setUint32(at + 40, section.link, true);
    view.setUint32(at + 44, section.info, true);
    setWord(view, at + 48, section.align);
    setWord(view, at + 56, section.entrySize);
    name += section.name.length + 1;
  });
  return { bytes, headers: fileOffset + start, count: names.length };
}

/**
 * Parses headers only. Throws InputError 'not-an-image' for a file that is not ELF64, 'damaged-image' for
 * contradictions.
 */
export function readElf(source: FileSource): ElfFile {
  if (source.size < EHDR_SIZE) throw notAnImage('it is too short');
  const head = source.read(0, EHDR_SIZE);
  const view = viewOf(head);
  if (view.getUint32(0, false) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1)
    throw notAnImage('it is not a 64-bit ELF file');
  if (view.getUint16(16, true) !== ET_DYN) throw notAnImage('it is not position-independent');
  const segmentCount = view.getUint16(56, true);
  const sectionCount = view.getUint16(60, true);
  if (view.getUint16(54, true) !== PHDR_SIZE || view.getUint16(58, true) !== SHDR_SIZE)
    throw notAnImage('odd header sizes');
  if (sectionCount < 2) throw notAnImage('it has no sections');
  const segmentView = viewOf(source.read(word(view, 32), segmentCount * PHDR_SIZE));
  const segments: Segment[] = [];
  for (let at = 0; at < segmentCount * PHDR_SIZE; at += PHDR_SIZE) {
    segments.push({
      type: segmentView.getUint32(at, true),
      flags: segmentView.getUint32(at + 4, true),
      fileOffset: word(segmentView, at + 8),
      imageOffset: word(segmentView, at + 16),
      fileSize: word(segmentView, at + 32),
      memorySize: word(segmentView, at + 40),
      align: word(segmentView, at + 48),
    });
  }
  const sectionView = viewOf(source.read(word(view, 40), sectionCount * SHDR_SIZE));
  const namesAt = view.getUint16(62, true) * SHDR_SIZE;
  if (namesAt >= sectionCount * SHDR_SIZE) throw damaged('no section names');
  const namesSize = word(sectionView, namesAt + 32);
  if (namesSize > NAMES_MAX) throw notAnImage('its section names are too long');
  const names = Buffer.from(source.read(word(sectionView, namesAt + 24), namesSize));
  const sections: Section[] = [];
  for (let at = SHDR_SIZE; at < sectionCount * SHDR_SIZE; at += SHDR_SIZE) {
    const nameAt = sectionView.getUint32(at, true);
    const nameEnd = nameAt + names.subarray(nameAt, nameAt + NAME_MAX).indexOf(0);
    if (nameEnd < nameAt) throw damaged('a section name is cut off');
    const section = {
      name: names.toString('latin1', nameAt, nameEnd),
      type: sectionView.getUint32(at + 4, true),
      flags: word(sectionView, at + 8),
      imageOffset: word(sectionView, at + 16),
      fileOffset: word(sectionView, at + 24),
      size: word(sectionView, at + 32),
      link: sectionView.getUint32(at + 40, true),
      info: sectionView.getUint32(at + 44, true),
      align: word(sectionView, at + 48),
      entrySize: word(sectionView, at + 56),
    };
    if (section.type !== SHT_NOBITS && section.fileOffset + section.size > source.size) {
      throw damaged(`section ${section.name} lies beyond the file's end`);
    }
    sections.push(section);
  }
  return { machine: view.getUint16(18, true), entry: word(view, 24), segments, sections };
}

export function notAnImage(detail: string): InputError {
  return new InputError('not-an-image', `not a wag-snap image: ${detail}`);
}

/** Writes a 64-bit number below 2^53. */
function setWord(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x100000000), true);
}

/** Reads a 64-bit number; one of 2^53 or more is damage. */
function word(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  if (high >= 0x200000) throw damaged('a number is too large');
  return high * 0x100000000 + view.getUint32(at, true);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
