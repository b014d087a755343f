/** Reads the call that a process makes instead of its program's entry (`run --invoke`). */

import { InputError } from '../base/errors.js';
import {
  CALL_ARGUMENT_CELLS,
  CALL_HEADER,
  CALL_INITIALIZE,
  CALL_RECORD,
  CALL_RESULTS,
  CALL_WORDS_MAX,
} from '../image/contract/call.js';
import { RT_CALL } from '../image/contract/runtime-block.js';
import type { SnapshotCall } from '../snapshot/snapshot.js';
import type { ImageProcess } from './process.js';
import type { ReferenceTable } from './reference-table.js';

/**
 * Undefined when the process makes single calls without recording them (the driver, images of earlier versions).
 *
 * @throws InputError 'damaged-process'
 */
export function readCall({ memory, runtime, pid }: ImageProcess, references: ReferenceTable): SnapshotCall | undefined {
  const block = memory.address(runtime + RT_CALL);
  if (block === 0) return undefined;
  const where = `pid ${pid}: its call`;
  const [resultCount, cells] = [CALL_RESULTS, CALL_ARGUMENT_CELLS].map((at) => Number(memory.u64(block + at)));
  if (resultCount + cells > CALL_WORDS_MAX) throw new InputError('damaged-process', `${where} has too many values`);
  const record = memory.read(block + CALL_RECORD, 8);
  const reference = Uint32Array.of(record.readUInt32LE(0), record.readUInt32LE(4));
  references.translate(reference, 0, where);
  const types = memory.read(block + CALL_HEADER, resultCount * 8);
  const values = memory.read(block + CALL_HEADER + resultCount * 8, cells * 8);
  return {
    instance: reference[1] - 1,
    func: reference[0],
    initialize: memory.u64(block + CALL_INITIALIZE) !== 0n,
    results: Uint8Array.from({ length: resultCount }, (_, i) => types[i * 8]),
    arguments: Uint32Array.from({ length: cells * 2 }, (_, i) => values.readUInt32LE(i * 4)),
  };
}
