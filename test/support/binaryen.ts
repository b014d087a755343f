/**
 * Modules from binaryen with all its features on (`wasm-opt -all`): compact imports, and text that wabt cannot parse,
 * for instance wide arithmetic and custom page sizes.
 *
 * The AssemblyScript compiler depends on binaryen, so it is there wherever tests run.
 */

import binaryen from 'binaryen';

/** Assembles text, without running any pass over it. Throws for text that binaryen refuses. */
export function assembleByBinaryen(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(binaryen.Features.All);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
