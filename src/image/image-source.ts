/** Where images of modules come from, for those that need one and do not compile: a cache, the compiler, both. */

import type { Target } from '../arch/masm/target.js';
import type { EmbedderImport } from './tables/identity.js';

/** A module that others are linked to. */
export interface LinkedModule {
  /** What modules after it import it by. */
  readonly name: string;
  /** The binary. */
  readonly bytes: Uint8Array;
  /** Names it in messages. */
  readonly file: string;
}

export interface ImageRequest {
  /** The binary. */
  readonly bytes: Uint8Array;
  /** Names it in messages. */
  readonly file: string;
  /** The module that is made of the bytes, where they are none themselves; only asked for when it is compiled. */
  readonly moduleOf?: () => { readonly bytes: Uint8Array; readonly file: string };
  /** Modules that it is linked to, in the order in which they are instantiated. */
  readonly linked?: readonly LinkedModule[] | undefined;
  readonly target: Target;
  readonly deterministic: boolean;
  /** 'if-needed': only when it cannot be linked without; what it compiles to is the same otherwise. */
  readonly allowMissingImports: boolean | 'if-needed';
  /** Which functions that nothing else provides are the embedder's: all, or those that are named. Default: none. */
  readonly hostImports?: boolean | readonly EmbedderImport[] | undefined;
}

export interface ObtainedImage {
  readonly path: string;
  /** Whether it was compiled now. */
  readonly compiled: boolean;
  /** Whether it is a file that `release` deletes. */
  readonly temporary: boolean;
  /** Deletes it when it is temporary; it may be running then. */
  release(): void;
}

/** @throws ModuleError, LimitError, ToolError */
export type ImageSource = (request: ImageRequest) => ObtainedImage;
