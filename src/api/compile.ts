/** Compiles a module to an image. */

import type { CompileOptions } from './compile-options.js';
import type { Image } from './image.js';

/**
 * Compiles a module to an image for Linux, in memory. Writing the image makes an executable.
 *
 * @param module a path, or the bytes of a component or of a module, binary or text
 * @throws ModuleError when the module is invalid or cannot be linked; InputError when it cannot be read; LimitError
 * when it is too large; UsageError; ToolError 'interrupted'
 */
export async function compile(module: string | Uint8Array, options: CompileOptions = {}): Promise<Image> {
  const { compileInDetail } = await import('./compile-in-detail.js');
  return (await compileInDetail(module, options)).image;
}
