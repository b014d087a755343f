/** Backtraces as data: the process's own message, and what V8 says of the same program. */

import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--experimental-wasm-memory64');

export interface Place {
  readonly func: number;
  /** Byte offset in the module. */
  readonly offset: number;
}

/** Frames of a trap's message, innermost first, and their offsets in function bodies. */
export function printedFrames(message: string): (Place & { readonly bodyOffset: number })[] {
  const lines = message.matchAll(/^ {2}#\d+ .* \((?:[^ ]*:)?0x([0-9a-f]+), func\[(\d+)\](?:\+0x([0-9a-f]+))?\)$/gm);
  return Array.from(lines, ([, offset, func, body]) => ({
    func: Number(func),
    offset: Number.parseInt(offset, 16),
    bodyOffset: Number.parseInt(body ?? '0', 16),
  }));
}

declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

export function v8Accepts(bytes: Uint8Array): boolean {
  return WebAssembly.validate(bytes);
}

/** Runs a module in V8 until it traps. @returns its exports, and the stack of the trap */
export function runInV8(bytes: Uint8Array): { exports: Readonly<Record<string, unknown>>; frames: Place[] } {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
  const prepare = Error.prepareStackTrace;
  try {
    Error.prepareStackTrace = (_, sites) => sites.map(String).join('\n'); // the test runner's own knows no wasm
    (exports['_start'] as () => void)();
  } catch (error) {
    const { stack = '' } = error as Error;
    const frames = Array.from(stack.matchAll(/wasm-function\[(\d+)\]:0x([0-9a-f]+)/g), ([, func, offset]) => ({
      func: Number(func),
      offset: Number.parseInt(offset, 16),
    }));
    return { exports, frames };
  } finally {
    Error.prepareStackTrace = prepare;
  }
  throw new Error('it has not trapped');
}
