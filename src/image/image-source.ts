/** The interface by which code that needs a module's image gets it: from a cache, from the compiler, or from both. */

import type { Target } from '../arch/masm/target.js';
import type { EmbedderImport } from './tables/identity.js';

/** A module that others are linked to. */
export interface LinkedModule {
  /** The name by which later modules import it. */
  readonly name: string;
  /** The binary. */
  readonly bytes: Uint8Array;
  /** Its name in messages. */
  readonly file: string;
}

export interface ImageRequest {
  /** The binary. */
  readonly bytes: Uint8Array;
  /** Its name in messages. */
  readonly file: string;
  /** Makes the module, when the bytes are a component's. Called only when it is compiled. */
  readonly moduleOf?: () => { readonly bytes: Uint8Array; readonly file: string };
  /** Modules that it is linked to, in the order in which they are instantiated. */
  readonly linked?: readonly LinkedModule[] | undefined;
  readonly target: Target;
  readonly deterministic: boolean;
  /** 'if-needed': only when the module cannot be linked otherwise; this does not change what it compiles to. */
  readonly allowMissingImports: boolean | 'if-needed';
  /**
   * The functions that the embedder provides: all that nothing else provides, or those that are named. Default: none.
   */
  readonly hostImports?: boolean | readonly EmbedderImport[] | undefined;
}

/** What an image depends on: the modules by their hashes. */
export interface KeyedRequest
  extends Pick<ImageRequest, 'target' | 'deterministic' | 'allowMissingImports' | 'hostImports'> {
  /** Of the binary, in lower-case hex. */
  readonly sha256: string;
  /** Modules that it is linked to, in their order. */
  readonly linked: readonly { readonly name: string; readonly sha256: string }[];
}

export interface ObtainedImage {
  readonly path: string;
  /** Whether it was compiled just now. */
  readonly compiled: boolean;
  /** Whether it is a file that `release` deletes. */
  readonly temporary: boolean;
  /** Deletes a temporary image, which may be running. */
  release(): void;
}

/** @throws ModuleError, LimitError, ToolError */
export type ImageSource = (request: ImageRequest) => ObtainedImage | Promise<ObtainedImage>;

/** For each attempt to compile it, whether missing imports are allowed. */
export function attemptsOf(allowMissingImports: ImageRequest['allowMissingImports']): readonly boolean[] {
  return allowMissingImports === 'if-needed' ? [false, true] : [allowMissingImports];
}
