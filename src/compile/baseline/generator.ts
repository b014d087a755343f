/** The baseline code generator, as the linker sees it. */

import type { Debugging } from '../debugging.js';
import type { CodeGenerator, InstanceInput } from '../generator.js';
import { FunctionCompiler } from './compile-function.js';

/** @param debugging applies to the instance of the module `main` */
export function baseline(debugging?: Debugging, main?: InstanceInput['module']): CodeGenerator {
  return {
    begin: (masm, instance) => new FunctionCompiler(masm, instance, instance.module === main ? debugging : undefined),
  };
}
