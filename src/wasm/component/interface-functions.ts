/** The functions of an interface that a component imports, by its type. */

import { Sort } from './definitions.js';
import type { Scope, TypeItem } from './instantiate.js';
import type { ExternType } from './types.js';

/** In their order; none when the import is no instance. */
export function functionNames(type: ExternType, scope: Scope): string[] {
  if (type.kind !== 'instance' || type.index >= scope.count(Sort.Type)) return [];
  const found: TypeItem = scope.get(Sort.Type, type.index, 0);
  if (found.kind !== 'type' || found.type.kind !== 'instance') return [];
  return found.type.declarations.flatMap((declaration) =>
    declaration.kind === 'export' && declaration.type.kind === 'func' ? [declaration.name] : [],
  );
}

/** What our interfaces call a function: `io/streams`, `[method]output-stream.write`: `io_streams_output_stream_write`. */
export function interfaceFunctionName(interfaceName: string, name: string): string {
  return `${interfaceName}_${name.replace(/^\[[a-z-]+\]/, '')}`.replace(/[^a-z0-9]/g, '_');
}
