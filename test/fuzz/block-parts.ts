/** Finds the parts of a block in the bytes of a function body, each block once. */

import { Op } from '../../src/wasm/opcodes.js';
import { BodyReader } from './body-reader.js';
import type { BlockParts, Instance } from './machine.js';

const OPENING: ReadonlySet<Op> = new Set([Op.Block, Op.Loop, Op.If, Op.Try, Op.TryTable]);

/** @param start position of the opcode */
export function blockParts(instance: Instance, start: number): BlockParts {
  const known = instance.ends.get(start);
  if (known !== undefined) return known;
  const reader = new BodyReader(instance.module.bytes, start);
  const catches: [number, number][] = [];
  let delegate: number | undefined;
  let depth = 0;
  let otherwise = -1;
  do {
    const row = reader.opcode();
    const [first] = reader.immediates(row);
    if (OPENING.has(row.code)) depth++;
    else if (row.code === Op.End || row.code === Op.Delegate) depth--;
    else if (row.code === Op.Else && depth === 1) otherwise = reader.at;
    else if (row.code === Op.Catch && depth === 1) catches.push([first, reader.at]);
    else if (row.code === Op.CatchAll && depth === 1) catches.push([-1, reader.at]);
    if (row.code === Op.Delegate && depth === 0) delegate = first;
  } while (depth > 0);
  const found = { end: reader.at, otherwise: otherwise < 0 ? reader.at : otherwise, catches, delegate };
  instance.ends.set(start, found);
  return found;
}
