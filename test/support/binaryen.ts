/**
 * Modules as binaryen writes them with every feature that it has switched on (`wasm-opt -all`): compact imports, and
 * the text format of what wabt does not parse, wide arithmetic and custom page sizes among it.
 *
 * binaryen is the AssemblyScript compiler's, so it is there wherever tests run.
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
