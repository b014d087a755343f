/** The installed V8 as an oracle. It knows more proposals than we do: what it accepts is not always ours to accept. */

import { setFlagsFromString } from 'node:v8';

// What the oldest Node.js that we run on has, but not by itself.
setFlagsFromString('--experimental-wasm-extended-const');
setFlagsFromString('--experimental-wasm-relaxed-simd');

declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

export function v8Accepts(bytes: Uint8Array): boolean {
  return WebAssembly.validate(bytes);
}

/** Errors of ours about modules that a V8 may accept, as they use what we do not know. */
export function isAboutUnsupported(message: string): boolean {
  return /not supported|multiple memories|zero byte expected|malformed (value|reference|function) type|constant expression|unknown global|more than one value|malformed memop flags|malformed (block|elements)/.test(
    message,
  );
}
