/**
 * Makes a resumable image from an existing one: the same text, DATA with other initial bytes, and at the end the pages
 * to map and the resume plan.
 *
 *     unchanged      headers (rewritten), DATA (rewritten), TEXT, RODATA, trap text, tables
 *     extents        64 KiB aligned; mapped by start, no segment               (.wagsnap.pages)
 *     .resume        64 KiB aligned; resume plan, then base relocations        RW
 *     section headers
 *
 * Never holds the extents in memory: the caller writes them. Knows nothing of snapshots or of the plan's contents.
 */

import { constants, copyFileSync, fchmodSync, fstatSync, ftruncateSync } from 'node:fs';
import { align } from '../base/align.js';
import { BugError } from '../base/errors.js';
import { writeAt } from '../base/output.js';
import { RT_BASE_RELOC_COUNT, RT_BASE_RELOCS, RT_RESUME_PLAN } from './contract/runtime-block.js';
import { SEGMENT_ALIGN } from './contract/sizes.js';
import { DataPatch } from './data-patch.js';
import {
  encodeHeaders,
  encodeSections,
  PF_R,
  PF_W,
  PT_LOAD,
  type Section,
  type Segment,
  SHF_ALLOC,
  SHF_WRITE,
  SHT_PROGBITS,
} from './elf.js';
import type { ImageDescription } from './reader.js';
import { SECTION } from './tables/sections.js';

export interface ResumeSegment {
  /** Begins with the RP_* block. */
  readonly bytes: Uint8Array;
  /** Offsets in `bytes` of u64 words that hold image offsets. */
  readonly pointers: Uint32Array;
}

/**
 * Call in this order: patch `data`, begin, write extents from `extentsStart` on, encode the plan for `planStart`,
 * finish.
 */
export class ResumableImage {
  readonly data: DataPatch;
  /** Image offset of the resume segment. */
  readonly planStart: number;
  /** Offset in the file of the first extent, a multiple of 64 KiB. */
  readonly extentsStart: number;

  constructor(private readonly image: ImageDescription) {
    if (image.section(SECTION.resume)) throw new BugError('a resumable image cannot be made resumable');
    this.data = new DataPatch(image);
    const loaded = image.elf.segments.filter((segment) => segment.type === PT_LOAD);
    this.planStart = align(Math.max(...loaded.map((s) => s.imageOffset + s.memorySize)), SEGMENT_ALIGN);
    this.extentsStart = align(this.contentEnd(), SEGMENT_ALIGN);
  }

  /** Writes the unchanged parts to the descriptor of a new, empty file. */
  begin(fd: number): void {
    const { source } = this.image;
    if (source.fd < 0) {
      writeAt(fd, source.read(0, this.contentEnd()), 0);
      return;
    }
    const mode = fstatSync(fd).mode;
    copyFileSync(`/proc/self/fd/${source.fd}`, `/proc/self/fd/${fd}`, constants.COPYFILE_FICLONE);
    fchmodSync(fd, mode);
    ftruncateSync(fd, this.contentEnd());
  }

  /** Writes the rest. @param extentBytes size of the extents, a multiple of 4 KiB; they may have holes */
  finish(fd: number, plan: ResumeSegment, extentBytes = 0): void {
    const { data, image, planStart } = this;
    const segmentOffset = align(this.extentsStart + extentBytes, SEGMENT_ALIGN);
    const planSize = (plan.bytes.length + 7) & ~7;
    data.pointer(data.start + RT_RESUME_PLAN, planStart);
    const relocations = this.allRelocations(plan);
    data.u64(data.start + RT_BASE_RELOCS, planStart + planSize);
    data.u64(data.start + RT_BASE_RELOC_COUNT, relocations.length);
    const size = planSize + relocations.byteLength;

    const dataSegment = image.elf.segments.find((s) => s.type === PT_LOAD && s.imageOffset === data.start);
    if (!dataSegment || dataSegment.fileSize < data.bytes.length) throw new BugError('DATA is not in the file');
    writeAt(fd, data.bytes, dataSegment.fileOffset);
    writeAt(fd, plan.bytes, segmentOffset);
    writeAt(fd, new Uint8Array(relocations.buffer), segmentOffset + planSize);

    const resume: Segment = {
      type: PT_LOAD,
      flags: PF_R | PF_W,
      fileOffset: segmentOffset,
      imageOffset: planStart,
      fileSize: size,
      memorySize: size,
      align: SEGMENT_ALIGN,
    };
    const kept = image.elf.sections.filter((section) => section.name !== '.shstrtab');
    const sections = [...kept, ...this.newSections(extentBytes, segmentOffset, size)];
    const end = align(segmentOffset + size, 8);
    const { bytes, headers, count } = encodeSections(sections, end);
    writeAt(fd, bytes, end);
    const segments = insertLoad(image.elf.segments, resume);
    writeAt(fd, encodeHeaders({ ...image.elf, segments }, headers, count), 0);
  }

  /** End of everything but section names and headers, which come last. */
  private contentEnd(): number {
    const kept = this.image.elf.sections.filter((section) => section.name !== '.shstrtab');
    return Math.max(...kept.map((section) => section.fileOffset + section.size));
  }

  private allRelocations(plan: ResumeSegment): Uint32Array {
    const own = this.data.relocations();
    const all = new Uint32Array(own.length + plan.pointers.length);
    all.set(own);
    for (let i = 0; i < plan.pointers.length; i++) all[own.length + i] = this.planStart + plan.pointers[i];
    return all;
  }

  private newSections(extentBytes: number, segmentOffset: number, size: number): Section[] {
    const base = { type: SHT_PROGBITS, link: 0, info: 0, entrySize: 0 };
    const resume = {
      ...base,
      name: SECTION.resume,
      flags: SHF_ALLOC | SHF_WRITE,
      imageOffset: this.planStart,
      fileOffset: segmentOffset,
      size,
      align: 16,
    };
    if (extentBytes === 0) return [resume];
    const pages = {
      ...base,
      name: SECTION.pages,
      flags: 0,
      imageOffset: 0,
      fileOffset: this.extentsStart,
      size: extentBytes,
      align: SEGMENT_ALIGN,
    };
    return [pages, resume];
  }
}

/** Adds a segment after the last PT_LOAD: loaded segments must ascend. */
function insertLoad(segments: readonly Segment[], segment: Segment): Segment[] {
  const at = segments.findLastIndex(({ type }) => type === PT_LOAD) + 1;
  return [...segments.slice(0, at), segment, ...segments.slice(at)];
}
