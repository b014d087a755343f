import type { ChildProcess } from 'node:child_process';
import type { EmbedderImport } from '../image/tables/identity.js';
import type { GrowingProgram } from './growing-program.js';
import type { CallMessage } from './invocation.js';

/** A process that is ready to be started: an image, and everything that it is started with. */
export interface Prepared {
  /** Path of the image. */
  readonly image: string;
  readonly argv0: string;
  /** What the workload is called, if it has a name. */
  readonly name?: string | undefined;
  readonly args: readonly string[];
  /** The complete environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Open descriptors that it inherits, from number 3 on, or 'pipe' for a socket to this process. `started` closes them here.
   */
  readonly descriptors: readonly (number | 'pipe')[];
  /** Functions that it imports from its embedder. */
  readonly hostImports: readonly EmbedderImport[];
  /** The call that it makes or continues; undefined: it runs or continues a program. */
  readonly call?: CallMessage | undefined;
  /** Compiles the program while it runs; its `start` is to be called after the process has been started. */
  readonly growing?: GrowingProgram | undefined;
  /** Whether the image is a temporary file, which `release` deletes. */
  readonly isTemporary: boolean;
  /** To be called when the process has been started. */
  started(pid: number, emulated: boolean): void;
  /** Of a program that begins before its memory is read: to be called when it has been started, after `started`. */
  readonly bring?: ((child: ChildProcess) => void) | undefined;
  /**
   * To be called when the process does not need the image's file any more: it runs, or an emulated one has ended, or
   * nothing was started. May be called twice.
   */
  release(): void;
}
