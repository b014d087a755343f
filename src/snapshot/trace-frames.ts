/** Traces a stack, frame by frame. */

import { isTraced, type TraceArea, trace } from '../base/trace.js';
import { valTypeName } from '../wasm/text.js';
import type { Frames } from './snapshot.js';

/** Traces one line for each frame, innermost first. @param names function names by site */
export function traceFrames(area: TraceArea, { count, siteOf, sites }: Frames, names: readonly string[] = []): void {
  if (!isTraced(area)) return;
  const typesOf = (types: Uint8Array) => Array.from(types, valTypeName).join(' ') || 'none';
  for (let i = 0; i < count; i++) {
    const { instance, func, offset, kind, locals, operands } = sites[siteOf[i]];
    const name = names[siteOf[i]] ? ` ${names[siteOf[i]]}` : '';
    trace(area, () => {
      const values = `locals ${typesOf(locals)}, operands ${typesOf(operands)}`;
      return `#${i} instance ${instance} function ${func}${name} body+0x${offset.toString(16)} (${kind}): ${values}`;
    });
  }
}
