import type { EmbedderImport } from '../image/tables/identity.js';

/** A process that is ready to be started: an image, and all that it is started with. */
export interface Prepared {
  /** Path of the image. */
  readonly image: string;
  readonly argv0: string;
  readonly args: readonly string[];
  /** All of the process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Open descriptors that it inherits, from 3 on. `started` closes them here. */
  readonly descriptors: readonly number[];
  /** Functions of whoever starts it that it calls. */
  readonly hostImports: readonly EmbedderImport[];
  /** Types of the results of the call that it continues; undefined: it is a program. */
  readonly callResults?: Uint8Array | undefined; // of ValType
  /** Whether the image is a temporary file, which `release` deletes. */
  readonly isTemporary: boolean;
  /** It has been started. */
  started(pid: number, emulated: boolean): void;
  /** It runs its own code, an emulated one has ended; or nothing was started. May be called twice. */
  release(): void;
}
