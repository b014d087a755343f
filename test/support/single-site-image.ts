/** A copy of an image whose trap text has one trap: started with WAGSNAP_PARK=1 it parks where it first gets there. */

import { closeSync, copyFileSync, openSync, writeSync } from 'node:fs';
import { SECTION } from '../../src/image/tables/sections.js';
import type { Built } from './workload.js';

export class SingleSiteImage {
  private readonly trapText: number;
  private readonly text: Uint8Array;
  private readonly trap: Uint8Array;
  private previous = -1;

  constructor(
    { path: original, image, target }: Omit<Built, 'modules'>,
    readonly path: string,
  ) {
    this.trap = target.safepointTrap;
    this.trapText = image.section(SECTION.trapText)!.fileOffset;
    this.text = image.source.read(image.section(SECTION.text)!.fileOffset, image.identity.text.size);
    copyFileSync(original, path);
    this.write((fd) => this.put(fd, this.text, 0));
  }

  setTrap(textOffset: number): void {
    this.write((fd) => {
      if (this.previous >= 0)
        this.put(fd, this.text.subarray(this.previous, this.previous + this.trap.length), this.previous);
      this.put(fd, this.trap, textOffset);
    });
    this.previous = textOffset;
  }

  private put(fd: number, bytes: Uint8Array, textOffset: number): void {
    writeSync(fd, bytes, 0, bytes.length, this.trapText + textOffset);
  }

  private write(action: (fd: number) => void): void {
    const fd = openSync(this.path, 'r+');
    try {
      action(fd);
    } finally {
      closeSync(fd);
    }
  }
}
