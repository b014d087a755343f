/**
 * Reads the exceptions that a parked process refers to, and numbers them as snapshots do.
 *
 * An exception is an object of the host layer (image/contract/exception-tables.ts EXN_*), outside of all memories. Its
 * tag is the address of a tag record, whose place is in the image's description. Exceptions are immutable, so one can
 * only refer to older ones. In the result each exception follows those that it refers to.
 */

import { InputError } from '../base/errors.js';
import { EXN_COUNT, EXN_TAG, EXN_VALUE_SIZE, EXN_VALUES, TAG_RECORD_SIZE } from '../image/contract/exception-tables.js';
import {
  RT_EXCEPTIONS,
  RT_EXCEPTIONS_END,
  RT_RESTORED_EXCEPTIONS,
  RT_RESTORED_EXCEPTIONS_SIZE,
} from '../image/contract/runtime-block.js';
import type { Identity } from '../image/tables/identity.js';
import { limitExceptions } from '../snapshot/exceptions-codec.js';
import type { HeaderBudget } from '../snapshot/header-budget.js';
import { cellsOf, FIRST_GUEST, type SnapshotException } from '../snapshot/snapshot.js';
import { ValType } from '../wasm/module.js';
import type { ProcessMemory } from './process-memory.js';
import type { ReferenceTable } from './reference-table.js';

interface Tag {
  readonly instance: number;
  readonly tag: number;
  readonly types: Uint8Array;
}

/** An exception with native values, in cells of 4 words. */
interface NativeException {
  readonly tag: Tag;
  readonly values: Uint32Array;
}

const LOOKS_AT_ONCE = 1000;
/** What an exception costs besides its values, in bytes. */
const OBJECT_SIZE = 128;

export class ExceptionReader {
  /** The exceptions found so far. */
  readonly exceptions: SnapshotException[] = [];
  private readonly tags = new Map<number, Tag>(); // by the address of the tag's record
  private readonly numbers = new Map<number, number>(); // by address: index + 1
  private looks = 0;
  private readonly ranges: readonly (readonly [start: number, end: number])[];

  /**
   * @param runtime address of the runtime block
   * @param base load address of the image
   * @param settle lets pending events in now and then; may throw
   */
  constructor(
    private readonly memory: ProcessMemory,
    runtime: number,
    base: number,
    identity: Identity,
    private readonly references: ReferenceTable,
    private readonly budget: HeaderBudget,
    private readonly settle: () => Promise<void>,
  ) {
    identity.instances.slice(FIRST_GUEST).forEach(({ start, tags }, instance) => {
      tags?.types.slice(tags.imported).forEach((types, i) => {
        const address = base + start + tags.records + i * TAG_RECORD_SIZE;
        this.tags.set(address, { instance, tag: tags.imported + i, types });
      });
    });
    if (this.tags.size === 0) this.ranges = [];
    else {
      const restored = memory.address(runtime + RT_RESTORED_EXCEPTIONS);
      this.ranges = [
        [memory.address(runtime + RT_EXCEPTIONS), memory.address(runtime + RT_EXCEPTIONS_END)],
        [restored, restored + memory.address(runtime + RT_RESTORED_EXCEPTIONS_SIZE)],
      ];
    }
  }

  /** Whether the program has any tags. */
  get mayExist(): boolean {
    return this.tags.size > 0;
  }

  /**
   * Replaces the two words at `at`, the address of an exception or 0, by the exception's number (index + 1) or 0.
   *
   * @param where the reference's place, for the error
   * @throws InputError for an address that is not an exception
   */
  async translate(words: Uint32Array, at: number, where: string): Promise<void> {
    const address = words[at + 1] * 0x100000000 + words[at];
    if (address !== 0 && !this.numbers.has(address)) await this.collect(address, where);
    this.number(words, at);
  }

  private number(words: Uint32Array, at: number): void {
    words[at] = this.numbers.get(words[at + 1] * 0x100000000 + words[at]) ?? 0;
    words[at + 1] = 0;
  }

  /** Numbers an exception after all that it refers to. Not recursive, as the chain may be long. */
  private async collect(first: number, where: string): Promise<void> {
    const open = new Map<number, NativeException>(); // on the path from `first` to the innermost one
    const path = [first];
    while (path.length > 0) {
      if (++this.looks % LOOKS_AT_ONCE === 0) await this.settle();
      const address = path[path.length - 1];
      const native = open.get(address) ?? this.read(address, where);
      open.set(address, native);
      const next = this.firstUnnumbered(native);
      if (next !== 0) {
        if (open.has(next)) throw damaged(`${where}: an exception refers to itself`);
        path.push(next);
        limitExceptions(this.exceptions.length + path.length, where);
        continue;
      }
      this.numbers.set(address, this.exceptions.push(this.portable(native, where)));
      limitExceptions(this.exceptions.length, where);
      open.delete(address);
      path.pop();
    }
  }

  private firstUnnumbered({ tag, values }: NativeException): number {
    for (let i = 0; i < tag.types.length; i++) {
      if (tag.types[i] !== ValType.ExnRef) continue;
      const address = values[i * 4 + 1] * 0x100000000 + values[i * 4];
      if (address !== 0 && !this.numbers.has(address)) return address;
    }
    return 0;
  }

  private read(address: number, where: string): NativeException {
    const inside = ([start, end]: readonly [number, number]) => address >= start && address + EXN_VALUES <= end;
    const tag = this.ranges.some(inside) ? this.tags.get(this.memory.address(address + EXN_TAG)) : undefined;
    if (tag === undefined || this.memory.u32(address + EXN_COUNT) !== tag.types.length) {
      throw damaged(`${where}: 0x${address.toString(16)} is not an exception`);
    }
    this.budget.take(tag.types.length * EXN_VALUE_SIZE + OBJECT_SIZE, where);
    const values = new Uint32Array((tag.types.length * EXN_VALUE_SIZE) / 4);
    if (values.length > 0) this.memory.read(address + EXN_VALUES, values.byteLength, Buffer.from(values.buffer));
    return { tag, values };
  }

  private portable({ tag: { instance, tag, types }, values }: NativeException, where: string): SnapshotException {
    const words: number[] = [];
    types.forEach((type, i) => {
      const cell = values.subarray(i * 4, i * 4 + 4);
      if (type === ValType.I32 || type === ValType.F32) cell[1] = 0;
      else if (type === ValType.FuncRef) this.references.translate(cell, 0, `${where}: a value of an exception`);
      else if (type === ValType.ExnRef) this.number(cell, 0); // everything that it refers to is numbered already
      words.push(...cell.subarray(0, cellsOf(type) * 2));
    });
    return { instance, tag, types, words: Uint32Array.from(words) };
  }
}

function damaged(what: string): InputError {
  return new InputError('damaged-process', what);
}
