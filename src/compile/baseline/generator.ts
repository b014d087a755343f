/** The baseline code generator, as the linker sees it. */

import type { Debugging } from '../debugging.js';
import type { CodeGenerator, InstanceInput } from '../generator.js';
import { InstanceCompiler } from './instance-compiler.js';

/** @param debugging applies to the instance of the module `main` */
export function baseline(debugging?: Debugging, main?: InstanceInput['module']): CodeGenerator {
  return {
    begin: (masm, instance) => new InstanceCompiler(masm, instance, instance.module === main ? debugging : undefined),
  };
}
