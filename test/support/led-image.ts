/**
 * A copy of an image whose processes stay at chosen sites while they run. A process that is parked is not tracked, so
 * parking (single-site-image.ts) does not do.
 *
 *     text         a loop at each site of `stay`: an instruction that jumps to itself
 *     trap text    a trap at each site of `park`: a process that is asked to stop, or starts with WAGSNAP_PARK=1, parks
 *                  where it gets first
 */

import { closeSync, copyFileSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { ImageProcess } from '../../src/capture/process.js';
import { SECTION } from '../../src/image/tables/sections.js';
import type { Built } from './workload.js';

const LOOP = { x64: Uint8Array.of(0xeb, 0xfe), arm64: Uint8Array.of(0x00, 0x00, 0x00, 0x14) };
/** Bytes between two sites that both can have a loop. */
const NEAR = 4;

export interface Places {
  /** As text offsets. */
  readonly stay: readonly number[];
  readonly park: readonly number[];
}

export class LedImage {
  private readonly original: Uint8Array;

  constructor(
    private readonly built: Built,
    readonly path: string,
  ) {
    const { image } = built;
    this.original = image.source.read(image.section(SECTION.text)!.fileOffset, image.identity.text.size);
  }

  /** The file of processes that start from now on. */
  make({ stay, park }: Places): void {
    const { path, image } = this.built;
    try {
      unlinkSync(this.path); // the kernel does not let a file be written that a process runs
    } catch {
      // the first
    }
    copyFileSync(path, this.path);
    this.write(SECTION.text, this.with(LOOP[image.arch], stay));
    this.setPark(park);
  }

  /** Of processes that run already, too, if they are emulated. */
  setPark(park: readonly number[]): void {
    this.write(SECTION.trapText, this.with(this.built.target.safepointTrap, park));
  }

  /** Lets a native process leave a site that it stays at, until its text is mapped again. */
  release({ memory, base, image }: ImageProcess, site: number): void {
    const bytes = this.original.subarray(site, site + LOOP[image.arch].length);
    memory.write(base + image.identity.text.imageOffset + site, bytes);
  }

  private with(instruction: Uint8Array, sites: readonly number[]): Uint8Array {
    const text = this.original.slice();
    for (const site of sites) text.set(instruction, site);
    return text;
  }

  private write(section: (typeof SECTION)['text' | 'trapText'], bytes: Uint8Array): void {
    const fd = openSync(this.path, 'r+');
    try {
      writeSync(fd, bytes, 0, bytes.length, this.built.image.section(section)!.fileOffset);
    } finally {
      closeSync(fd);
    }
  }
}

/** The sites that can have a loop besides one at `first`: those that are near to it or to each other are left out. */
export function apart(first: number, sites: readonly number[]): number[] {
  const kept: number[] = [];
  for (const site of [...sites].sort((a, b) => a - b)) {
    if (Math.abs(site - first) >= NEAR && site - (kept.at(-1) ?? -NEAR) >= NEAR) kept.push(site);
  }
  return kept;
}
