/**
 * The names of a component's core modules, from its custom section "component-name". They are for people only: a
 * damaged section has none.
 */

import { Reader } from '../reader.js';

const CORE = 0;
const MODULE = 0x11;
const SORTS = 1;

/** @param section at the start of a custom section. Undefined: it is another one, or damaged */
export function readModuleNames(section: Reader): ReadonlyMap<number, string> | undefined {
  // A custom section without a name is malformed, whatever is in it.
  if (section.name() !== 'component-name') return undefined;
  try {
    return moduleNames(section);
  } catch {
    return undefined;
  }
}

function moduleNames(section: Reader): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  while (section.pos < section.end) {
    const id = section.u8();
    const start = section.span();
    if (id !== SORTS) continue;
    const part = new Reader(section.bytes, section.file, start, section.pos);
    if (part.u8() !== CORE || part.u8() !== MODULE) continue;
    for (let count = part.u32(); count > 0; count--) names.set(part.u32(), part.name());
  }
  return names;
}
