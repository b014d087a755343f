/** Canonical definitions in a component's binary (Binary.md, "Canonical Definitions"). */

import type { Reader } from '../reader.js';
import type { CanonOptions, Definition } from './definitions.js';
import { readVector } from './read-types.js';

/** Those of async components and threads begin here; 0x07 was the async resource.drop. */
const FIRST_ASYNC = 0x05;
const LAST_KNOWN = 0x43;

const RESOURCE_OPS = ['new', 'drop', 'rep'] as const;
const ENCODINGS = ['utf8', 'utf16', 'latin1+utf16'] as const;

export function readCanon(reader: Reader, offset: number): Definition {
  const form = reader.u8();
  switch (form) {
    case 0: {
      expectZero(reader);
      const func = reader.u32();
      const options = readOptions(reader);
      return { kind: 'lift', func, options, type: reader.u32(), offset };
    }
    case 1:
      expectZero(reader);
      return { kind: 'lower', func: reader.u32(), options: readOptions(reader), offset };
    case 2:
    case 3:
    case 4:
      return { kind: 'resource', op: RESOURCE_OPS[form - 2], type: reader.u32(), offset };
  }
  if (form >= FIRST_ASYNC && form <= LAST_KNOWN) {
    throw reader.unsupported(`async components (canonical function 0x${form.toString(16)})`, offset);
  }
  throw reader.malformed(`malformed canonical function 0x${form.toString(16)}`, offset);
}

function expectZero(reader: Reader): void {
  const offset = reader.pos;
  if (reader.u8() !== 0) throw reader.malformed('malformed canonical function', offset);
}

function readOptions(reader: Reader): CanonOptions {
  const options: { -readonly [K in keyof CanonOptions]: CanonOptions[K] } = { encoding: 'utf8' };
  const seen = new Set<number>();
  readVector(reader, () => {
    const offset = reader.pos;
    const code = reader.u8();
    const group = code < ENCODINGS.length ? 0 : code; // there is one encoding
    if (seen.has(group)) throw reader.malformed('a canonical option is there twice', offset);
    seen.add(group);
    if (code < ENCODINGS.length) options.encoding = ENCODINGS[code];
    else if (code === 3) options.memory = reader.u32();
    else if (code === 4) options.realloc = reader.u32();
    else if (code === 5) options.postReturn = reader.u32();
    else if (code === 6 || code === 7) throw reader.unsupported('async components (async functions)', offset);
    else if (code === 8 || code === 9) throw reader.unsupported('garbage-collected objects in components', offset);
    else throw reader.malformed(`malformed canonical option 0x${code.toString(16)}`, offset);
  });
  return options;
}
