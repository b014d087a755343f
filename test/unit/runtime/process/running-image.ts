/**
 * A process whose guest runs, and signals to it: the fake process's calls and memory show what the handler does.
 */

import { expect } from 'vitest';
import { hostConstants } from '../../../../src/arch/x64/host-constants.js';
import { RowPacker } from '../../../../src/image/tables/packed-rows.js';
import * as L from '../../../support/layout.js';
import { bootedImage, type FakeImage, startProcess } from './fake-image.js';
import { Exit, type FakeProcess, IMAGE } from './fake-process.js';

export const TEXT = 0x100000;
export const INFO = 0x7ffd00000000;
export const CONTEXT = 0x7ffd00001000;
export const PC = CONTEXT + hostConstants.UCONTEXT_PC;
export const SP = CONTEXT + hostConstants.UCONTEXT_SP;
export const SIGTRAP = 5;
export const SIGFPE = 8;
export const SIGSEGV = 11;
export const TOOL = 4242;

/** The words of a packed table, with zeros behind it to the next word. */
export function packedRows(...rows: [text: number, second: number, third: number][]): number[] {
  const packer = new RowPacker(rows.length);
  for (const row of rows) packer.add(...row);
  const bytes = packer.finish();
  const padded = new Uint8Array((bytes.length + 3) & ~3);
  padded.set(bytes);
  return [...new Uint32Array(padded.buffer)];
}

/** Site tables as the process maps them: functions at text offsets 0x100 and 0x200 with frames of 16 and 24 bytes. */
const SECTIONS: Record<number, number[]> = {
  [L.RT_FUNCS_FILE]: [0x100, 0x200, 1, 5, 16, 0, 0, 0, 0x200, 0x300, 1, 6, 24, 0, 0, 0, 0x300, 0x400, 1, 0, 0, 0, 0, 4],
  [L.RT_SITES_FILE]: packedRows([0x140, 0x21, L.SITE_CALL], [0x250, 0x34, L.SITE_CALL]),
  [L.RT_TRAPS_FILE]: packedRows([0x180, 0x77, L.TRAP_MEMORY], [0x184, 0x78, L.TRAP_OVERFLOW]),
  [L.RT_NAMES_FILE]: [0, 4, 4, 4, 0x21626966],
};

export function runningImage(
  state = L.STATE_RUNNING,
  more: Record<number, number[]> = {},
  environment: readonly string[] = [],
): FakeImage {
  const sections = { ...SECTIONS, ...more };
  const image = bootedImage({ pages: 1 });
  const { process } = image;
  startProcess(process, environment);
  const put = (field: number, value: number) => process.set64(process.runtime + field, value);
  put(L.RT_TEXT, TEXT);
  put(L.RT_TEXT_SIZE, 0x10000);
  put(L.RT_TEXT_FILE, 0x20000);
  put(L.RT_TRAP_TEXT_FILE, 0x30000);
  Object.entries(sections).forEach(([field, words], index) => {
    put(Number(field), 0x40000 + 0x10000 * index + 8);
    put(Number(field) + 8, words.length * 4);
  });
  process.overrides['mmap'] = ([address, , , flags, , offset]) => {
    const section = Object.values(sections)[(offset - 0x40000) / 0x10000];
    if ((flags & 0x10) !== 0 || section === undefined) return undefined;
    const at = address || 0x7abc00000000 + offset;
    section.forEach((word, index) => {
      process.set32(at + 8 + index * 4, word >>> 0);
    });
    return at;
  };
  process.set32(process.runtime + L.TH_STATE, state);
  process.mappings.length = 0;
  return image;
}

/** @returns the exit code when it ends the process */
export function signal(process: FakeProcess, signo: number, pc: number, infoWord: number): number | undefined {
  process.set64(INFO + 16, infoWord);
  process.set64(PC, pc);
  try {
    process.call('on_signal', signo, BigInt(INFO), BigInt(CONTEXT));
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  }
}

/** Nanoseconds of a timespec, -1 for none. */
export function timeoutOf(process: FakeProcess, address: number): number {
  if (address === 0) return -1;
  expect(process.get64(address + 8)).toBeLessThan(1e9);
  return process.get64(address) * 1e9 + process.get64(address + 8);
}

export const stop = (process: FakeProcess, pc = IMAGE + TEXT, sender = TOOL) =>
  signal(process, L.STOP_SIGNAL, pc, sender);
export const texts = (process: FakeProcess) => process.mappings.filter((m) => m.protection === 5).map((m) => m.offset);
