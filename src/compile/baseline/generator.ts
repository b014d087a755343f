/** The baseline code generator, as the linker sees it. */

import type { CodeGenerator } from '../generator.js';
import { FunctionCompiler } from './compile-function.js';

export const baseline: CodeGenerator = {
  begin: (masm, instance) => new FunctionCompiler(masm, instance),
};
