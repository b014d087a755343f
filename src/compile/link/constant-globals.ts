/** Globals whose values code may contain as constants: immutable ones whose bits are known when code is made. */

import type { Target } from '../../arch/masm/target.js';
import { BugError } from '../../base/errors.js';
import { ExternKind, type Module } from '../../wasm/module.js';
import type { CodeEnvironment } from '../convention/environment.js';
import { globalValue } from './constants.js';
import { definition, type LinkedInstance } from './linked-instance.js';

type ConstantGlobal = CodeEnvironment['constantGlobal'];

/** Those of a guest, its own and imported ones. */
export function constantGlobals(instances: readonly LinkedInstance[], instance: LinkedInstance): ConstantGlobal {
  const cache = instance.module.globals.map((global, index) => {
    if (global.mutable) return undefined;
    const [owner, at] = definition(instance, ExternKind.Global, index);
    const value = globalValue(instances, owner, at);
    return value.kind === 'bits' ? value : undefined;
  });
  return (index) => cache[index];
}

/** The host layer's imports from module "target": constants of the CPU's Linux, by name. @throws BugError */
export function hostConstants({ imports }: Module, target: Target): ConstantGlobal {
  const values = imports
    .filter((entry) => entry.kind === ExternKind.Global)
    .map(({ name }) => {
      const value = target.hostConstants[name];
      if (value === undefined) throw new BugError(`the host layer wants a constant ${name} that the CPU does not have`);
      return { lo: value | 0, hi: Math.floor(value / 0x100000000) | 0 };
    });
  return (index) => values[index];
}
