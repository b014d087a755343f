/** Images, in memory or in a file: the result of compiling a module. */

import type { ArchName } from './cpu.js';
import type { ImageDescription } from './description.js';

/** A static executable made from a module, with its runtime. */
export interface Image {
  readonly kind: 'image';
  /** Path of the file; undefined when the image is in memory. */
  readonly path: string | undefined;
  /** The CPU that it is for. */
  readonly arch: ArchName;
  /** The version of wag-snap that made it. */
  readonly compiler: string;
  /** Whether every NaN has the same bits. */
  readonly deterministic: boolean;
  /** Size of the file in bytes. */
  readonly size: number;
  /** Size of the machine code in bytes. */
  readonly codeSize: number;
  /** The modules that it was made from; the last one is the main module. */
  readonly modules: readonly ImageModule[];
  /**
   * The wasm binary of a module; undefined when the image does not carry it.
   *
   * @param index of `modules`; default: the main module
   * @throws InputError when the image is damaged
   */
  moduleBytes(index?: number): Uint8Array | undefined;
  /**
   * Describes the image, as `wag-snap inspect --json` does.
   *
   * @throws InputError when it is damaged
   */
  describe(): Promise<ImageDescription>;
  /** The contents of the file. */
  bytes(): Uint8Array;
  /**
   * Writes an executable file. The file is complete or not there.
   *
   * @throws ToolError when it cannot be written
   */
  write(path: string): Promise<void>;
  /** Closes the file. Nothing can be read afterwards. May be called twice. */
  close(): void;
  [Symbol.dispose](): void;
}

export interface ImageModule {
  /** The name from the name section, else empty. */
  readonly name: string;
  /** The binary's digest, in lower-case hex. */
  readonly sha256: string;
  /** The binary's size in bytes. */
  readonly size: number;
}
