/** Describes a component as data: world, imports, exports, core modules, and whether it can be compiled. */

import { InputError } from '../base/errors.js';
import { checkTypes } from '../wasm/component/check-types.js';
import { findAdapted } from '../wasm/component/command.js';
import { CoreFunctions } from '../wasm/component/core-functions.js';
import { decodeComponent } from '../wasm/component/decode.js';
import { type Component, coreModules, Sort, sortName } from '../wasm/component/definitions.js';
import { type Graph, type Item, instantiate } from '../wasm/component/instantiate.js';
import { functionNames } from '../wasm/component/interface-functions.js';
import { linkedProgram } from '../wasm/component/native.js';
import { worldName } from '../wasm/component/world.js';
import type { ComponentDescription } from './description.js';
import { loadInterfaces } from './interfaces.js';

/** @throws ModuleError, LimitError */
export function describeComponent(bytes: Uint8Array, file: string): ComponentDescription {
  const component = decodeComponent(bytes, file);
  const graph = instantiate(component);
  const modules = coreModules(component);
  const { main, refused = null, missing = [] } = program(component, graph);
  return {
    kind: 'component',
    file,
    bytes: bytes.length,
    world: worldName(graph) ?? null,
    main: main === undefined ? null : modules.findIndex(({ start }) => start === main),
    refused,
    missing,
    coreModules: modules.map(({ start, end, name = null }) => ({ name, offset: start, bytes: end - start })),
    imports: graph.imports.map(({ name, type }) => ({
      name,
      kind: type.kind,
      functions: functionNames(type, graph.scope),
    })),
    exports: Array.from(graph.exports, ([name, item]) => ({
      name,
      kind: sortName(item.sort),
      functions: exportedFunctions(item),
    })),
  };
}

/** The offset of the core module that is compiled alone, if there is one, or why the component cannot be compiled. */
function program(component: Component, graph: Graph): { main?: number; refused?: string; missing?: readonly string[] } {
  try {
    const functions = new CoreFunctions(component, graph);
    checkTypes(graph, functions);
    const adapted = findAdapted(component, graph, functions);
    if (adapted !== undefined) return { main: adapted.start };
    const { missing } = linkedProgram(component, graph, loadInterfaces(), functions);
    return { missing };
  } catch (error) {
    if (error instanceof InputError) return { refused: error.headline };
    throw error;
  }
}

function exportedFunctions({ sort, value }: Item): string[] {
  if (sort !== Sort.Instance) return [];
  const exports = (value as { exports?: ReadonlyMap<string, Item> }).exports ?? new Map<string, Item>();
  return Array.from(exports).flatMap(([name, item]) => (item.sort === Sort.Func ? [name] : []));
}
