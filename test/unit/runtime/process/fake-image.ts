/** A FakeProcess with an init plan: the host layer's instance and one guest with a memory, a table and segments. */

import * as L from '../../../support/layout.js';
import { FakeProcess, IMAGE } from './fake-process.js';

const NONE = 0xffffffff;

export interface GuestOptions {
  readonly pages?: number;
  readonly maxPages?: number;
  readonly elements?: number;
  /** Active data segments: offset and bytes. */
  readonly datas?: readonly (readonly [number, readonly number[]])[];
  /** Active element segments: offset and references. */
  readonly elementSegments?: readonly (readonly [number, readonly number[]])[];
  /** Sizes that the guest asks for: of its memory in bytes, and of its table. */
  readonly asks?: readonly [number, number];
  readonly start?: boolean;
  readonly entry?: boolean;
}

export interface FakeImage {
  readonly process: FakeProcess;
  /** Native addresses of records. */
  readonly memory: number;
  readonly table: number;
  readonly dataSegments: readonly number[];
  readonly startRecord: number;
  readonly entryRecord: number;
}

/** Lays the image out; `boot` has not run. `prepare` may place more before the relocations are written. */
export function fakeImage(options: GuestOptions = {}, prepare: (process: FakeProcess) => void = () => {}): FakeImage {
  const process = new FakeProcess();
  const { asks } = options;
  const p = (pointer: number) => ({ pointer });
  const hostMemory = process.place(0, 0, 65536, 0);
  const host = process.place(0, p(hostMemory), 0, 0, 0, 0, 0, 0);
  const memory = process.place(0, 0, options.maxPages ?? NONE, 0);
  const table = process.place(0, 0, 1000, L.TYPE_FUNCREF);
  const guest = process.place(0, p(memory), 1, p(memory), 0, 0, 0, 0);
  const startRecord = process.place(0, p(guest), 0, 0);
  const entryRecord = process.place(0, p(guest), 0, 0);
  const datas = (options.datas ?? []).map(([offset, bytes]) => ({
    offset,
    segment: process.place(p(process.placeBytes(bytes)), bytes.length),
  }));
  const elements = (options.elementSegments ?? []).map(([offset, references]) => ({
    offset,
    segment: process.place(p(process.place(...references)), references.length),
  }));
  const hostEntry = [p(host), 1, p(hostMemory), 100, 0, 0, 0, 0, 0, 0, 0];
  const guestEntry = [
    p(guest),
    ...[1, p(memory), options.pages ?? 1],
    ...[1, p(table), options.elements ?? 0, 0],
    ...[elements.length, ...elements.flatMap((e) => [p(table), e.offset, p(e.segment)])],
    ...[datas.length, ...datas.flatMap((d) => [p(memory), d.offset, p(d.segment)])],
    0,
    ...(asks === undefined ? [0] : [2, p(memory + L.MEM_SIZE), asks[0], p(table + L.TAB_LENGTH), asks[1]]),
    p(options.start ? startRecord : 0),
    p(options.entry ? entryRecord : 0),
  ];
  process.setPointer(L.RT_INIT_PLAN, process.place(2, ...hostEntry, ...guestEntry));
  process.setPointer(L.RT_HOST_INSTANCE, host);
  prepare(process);
  process.finish();
  return {
    process,
    memory: IMAGE + memory,
    table: IMAGE + table,
    dataSegments: datas.map((d) => IMAGE + d.segment),
    startRecord: IMAGE + startRecord,
    entryRecord: IMAGE + entryRecord,
  };
}

export function bootedImage(options: GuestOptions = {}, prepare?: (process: FakeProcess) => void): FakeImage {
  const image = fakeImage(options, prepare);
  image.process.call('boot', 0n);
  return image;
}

/**
 * Places an initial stack and calls `start`.
 * @param auxiliary the auxiliary vector's words, without its end
 * @returns the exit code
 */
export function startProcess(
  process: FakeProcess,
  environment: readonly string[] = [],
  auxiliary: readonly number[] = [],
): number {
  const strings = 0x7ffe00010000;
  let text = strings;
  const pointer = (value: string) => {
    const at = text;
    process.setBytes(at, [...Buffer.from(`${value}\0`)]);
    text += value.length + 1;
    return at;
  };
  const words = [1, pointer('program'), 0, ...environment.map(pointer), 0, ...auxiliary, 0, 0];
  words.forEach((word, index) => {
    process.set64(0x7ffe00000000 + index * 8, word);
  });
  try {
    process.call('start', BigInt(0x7ffe00000000));
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'number') return code;
    throw error;
  }
  throw new Error('start has returned');
}
