/** An image: what a module was compiled to, in memory or in a file. */

import type { ArchName } from './cpu.js';
import type { ImageDescription } from './description.js';

/** A static executable of a module, with its runtime. */
export interface Image {
  readonly kind: 'image';
  /** Of its file; undefined when it is in memory. */
  readonly path: string | undefined;
  /** The CPU that it is for. */
  readonly arch: ArchName;
  /** Version of wag-snap that made it. */
  readonly compiler: string;
  /** Whether every NaN has the same bits. */
  readonly deterministic: boolean;
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes of machine code. */
  readonly codeSize: number;
  /** Those that it was made of; the last one is the main module. */
  readonly modules: readonly ImageModule[];
  /**
   * The wasm binary of a module; undefined when the image was made without it.
   *
   * @param index of `modules`; default: the main module
   * @throws InputError when the image is damaged
   */
  moduleBytes(index?: number): Uint8Array | undefined;
  /**
   * All that is known of it, as `wag-snap inspect --json` prints it.
   *
   * @throws InputError when it is damaged
   */
  describe(): Promise<ImageDescription>;
  /** The file's contents. */
  bytes(): Uint8Array;
  /**
   * Writes it as an executable file: whole or not at all.
   *
   * @throws ToolError when it cannot be written
   */
  write(path: string): Promise<void>;
  /** Closes the file; nothing can be read after it. May be called twice. */
  close(): void;
  [Symbol.dispose](): void;
}

export interface ImageModule {
  /** In its name section; else empty. */
  readonly name: string;
  /** Of the binary, in lower-case hex. */
  readonly sha256: string;
  /** Bytes of the binary. */
  readonly size: number;
}
