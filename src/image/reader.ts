/**
 * Reads an image's description of itself: for capture (the process may run an image of an older wag-snap), restore
 * (from a cached image) and inspect.
 *
 * Not a general ELF reader: it expects our sections. A hostile file gives InputError 'not-an-image' or 'damaged-image',
 * never a crash. Large sections are read on demand.
 */

import { createHash } from 'node:crypto';
import type { ArchName } from '../arch/masm/target.js';
import { InputError } from '../base/errors.js';
import { type ElfFile, notAnImage, PT_LOAD, readElf, type Section } from './elf.js';
import { FileSource } from './file-source.js';
import { checkCounts, checkLayout, checkTables } from './image-check.js';
import { unpackModule } from './packed-module.js';
import { damaged } from './tables/damaged.js';
import { IDENTITY_MAX, type Identity, type ImageOutline } from './tables/identity.js';
import { decodeIdentity, decodeOutline } from './tables/identity-decoder.js';
import { decodeNames } from './tables/names.js';
import { SECTION } from './tables/sections.js';
import { SiteLookup } from './tables/site-lookup.js';

/** The largest section that is read as a whole: the size of the tables for a module of 1 GiB. */
const SECTION_MAX = 1 << 30;

/**
 * Opens an image by its bytes, path or descriptor. Call close() when done.
 * @throws InputError, which names the path; ToolError when it cannot be opened
 */
export function readImage(source: Uint8Array | string | number): ImageDescription {
  const image = openImage(source);
  try {
    image.identity;
    return image;
  } catch (error) {
    image.close();
    if (typeof source !== 'string' || !(error instanceof InputError)) throw error;
    throw new InputError(error.code, `${source}: ${error.message}`);
  }
}

/** As readImage, but checks only `outline`. @param limit the most bytes of identity to read */
export function openImage(source: Uint8Array | string | number, limit: number = IDENTITY_MAX): ImageDescription {
  const file = new FileSource(source);
  try {
    return new ImageDescription(file, limit);
  } catch (error) {
    file.close();
    if (typeof source !== 'string' || !(error instanceof InputError)) throw error;
    throw new InputError(error.code, `${source}: ${error.message}`);
  }
}

export class ImageDescription {
  readonly elf: ElfFile;
  readonly outline: ImageOutline;
  private known: Identity | undefined;
  private lookup: SiteLookup | undefined;
  private nameOf: ((row: number) => string) | undefined;

  /** @param limit the most bytes of identity to read */
  constructor(
    readonly source: FileSource,
    limit: number,
  ) {
    this.elf = readElf(source);
    const section = this.section(SECTION.identity);
    if (section === undefined) throw notAnImage('it has no identity section');
    if (section.size > limit) throw damaged(`its identity has ${section.size} bytes, more than ${limit}`);
    this.outline = decodeOutline(this.sectionBytes(SECTION.identity));
    checkLayout(this.elf, this.outline);
  }

  /** @throws InputError 'damaged-image' when it contradicts itself, 'newer-image' */
  get identity(): Identity {
    if (this.known === undefined) {
      const identity = decodeIdentity(this.sectionBytes(SECTION.identity));
      this.check(identity);
      this.known = identity;
    }
    return this.known;
  }

  get arch(): ArchName {
    return this.outline.arch;
  }

  /** Whether the image was compiled with site tables, so that its processes can be captured. */
  get hasSites(): boolean {
    return this.section(SECTION.sites) !== undefined;
  }

  get sites(): SiteLookup {
    if (this.lookup) return this.lookup;
    const lookup = new SiteLookup(
      {
        version: this.identity.siteTables ?? 1,
        functions: this.sectionBytes(SECTION.functions),
        locals: this.sectionBytes(SECTION.locals),
        sites: this.sectionBytes(SECTION.sites),
        shapes: this.sectionBytes(SECTION.shapes),
        traps: this.sectionBytes(SECTION.traps),
        pins: this.section(SECTION.pins) && this.sectionBytes(SECTION.pins), // not in older images
      },
      this.identity.text.size,
    );
    checkTables(lookup, this.identity);
    this.lookup = lookup;
    return lookup;
  }

  /** Name of a function row's function, for people: `func-<index>` when it has none. */
  functionName(row: number): string {
    this.nameOf ??= decodeNames(this.sectionBytes(SECTION.names), this.sites.functionCount);
    return this.nameOf(row) || `func-${this.sites.function(row).index}`;
  }

  /**
   * The binary of module `index` of the identity, checked by its hash; undefined when the image does not carry it.
   */
  moduleBytes(index: number): Uint8Array | undefined {
    const module = this.identity.modules[index];
    if (module === undefined || module.offset < 0) return undefined;
    const section = this.section(SECTION.wasm);
    const { offset, size, stored = size } = module;
    if (section === undefined || offset + stored > section.size) throw damaged('module is cut off');
    const bytes = unpackModule(this.source.read(section.fileOffset + offset, stored), size);
    if (createHash('sha256').update(bytes).digest('hex') !== module.sha256) {
      throw damaged('the module that it carries is not the one that it names');
    }
    return bytes;
  }

  /** The initial bytes of DATA in the file. */
  initialData(): Uint8Array {
    const segment = this.loadedAt(this.identity.data.imageOffset);
    const bytes = new Uint8Array(this.identity.data.size);
    bytes.set(this.source.read(segment.fileOffset, Math.min(segment.fileSize, bytes.length)));
    return bytes;
  }

  section(name: string): Section | undefined {
    return this.elf.sections.find((section) => section.name === name);
  }

  sectionBytes(name: string): Uint8Array {
    const section = this.section(name);
    if (section === undefined) throw damaged(`section ${name} is missing`);
    if (section.size > SECTION_MAX) throw damaged(`section ${name} has ${section.size} bytes`);
    return this.source.read(section.fileOffset, section.size);
  }

  /** Bytes of a loaded, initialised part of the image, by image offset. */
  loadedBytes(imageOffset: number, size: number): Uint8Array {
    const segment = this.loadedAt(imageOffset);
    const skip = imageOffset - segment.imageOffset;
    if (skip + size > segment.fileSize) throw damaged('a part of the image is not in the file');
    return this.source.read(segment.fileOffset + skip, size);
  }

  close(): void {
    this.source.close();
  }

  private loadedAt(imageOffset: number) {
    const segment = this.elf.segments.find(
      (s) => s.type === PT_LOAD && imageOffset >= s.imageOffset && imageOffset < s.imageOffset + s.memorySize,
    );
    if (segment === undefined) throw damaged('a part of the image is not loaded');
    return segment;
  }

  /** Checks that all indexes in the identity are valid. */
  private check({ modules, instances, types, trampolines, data, text }: Identity): void {
    const block = (start: number, size: number) =>
      start >= data.imageOffset && start + size <= data.imageOffset + data.size;
    if (data.size > 0x7fffffff || text.size > 0x7fffffff) throw damaged('it is too large');
    for (const instance of instances) {
      checkCounts(instance);
      const { functions, memories, tables, globals, tags, dataSegments, elementSegments } = instance;
      const inside = (at: number, count: number, unit: number) => at + count * unit <= instance.size;
      const fine =
        instance.module < modules.length &&
        block(instance.start, instance.size) &&
        functions.records.length === functions.count &&
        functions.imported <= functions.count &&
        functions.links.length === functions.imported * 2 &&
        functions.records.every((record) => record >= -1 && record + 32 <= instance.size) &&
        inside(functions.pointers, functions.imported, 8) &&
        memories.imported <= memories.types.length &&
        memories.links.length === memories.imported * 2 &&
        inside(memories.pointers, memories.imported, 8) &&
        inside(memories.records, memories.types.length - memories.imported, 32) &&
        tables.imported <= tables.types.length &&
        tables.links.length === tables.imported * 2 &&
        inside(tables.pointers, tables.imported, 8) &&
        inside(tables.records, tables.types.length - tables.imported, 32) &&
        globals.imported <= globals.types.length &&
        globals.links.length === globals.imported * 2 &&
        globals.mutable.length === globals.types.length &&
        inside(globals.pointers, globals.imported, 8) &&
        inside(globals.records, globals.types.length - globals.imported, 16) &&
        (tags === undefined ||
          (tags.imported <= tags.types.length && inside(tags.records, tags.types.length - tags.imported, 32))) &&
        inside(dataSegments.records, dataSegments.count, 16) &&
        inside(elementSegments.records, elementSegments.count, 16);
      if (!fine) throw damaged(`instance ${instance.name} contradicts itself`);
    }
    for (const trampoline of trampolines) {
      if (trampoline.type >= types.length || trampoline.returnOffset > text.size) throw damaged('odd trampoline');
    }
  }
}
