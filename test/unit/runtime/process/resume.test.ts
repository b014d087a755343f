import { describe, expect, it } from 'vitest';
import { hostConstants } from '../../../../src/arch/x64/host-constants.js';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from './fake-image.js';
import type { FakeProcess } from './fake-process.js';

const SOURCE_FD = 9;

/** Places a resume plan for the guest's memory (2 pages) and table (3 elements), with a stack of 24 bytes. */
function planned(phase: number) {
  let context = 0;
  const image = bootedImage({ start: true, entry: true, pages: 1, elements: 2 }, (process) => {
    const p = (pointer: number) => ({ pointer });
    const { memory, table, guest } = placed(process);
    const state = process.placeBytes(new Uint8Array(L.HS_PATHS).fill(L.HOST_STATE_VERSION, 0, 1));
    const memories = process.place(...[1, p(memory), 131072, 1], ...[65536, 0x30000, 4096]);
    const tables = process.place(1, p(table), 3, p(process.place(0, 5, p(guest))));
    const words = new Array<number | { pointer: number }>(L.CTX_SIZE / 8).fill(0);
    words[L.CTX_SP / 8] = -24;
    words[L.CTX_PC / 8] = p(0x777);
    words[(L.CTX_GENERAL + hostConstants.INSTANCE_REGISTER * 8) / 8] = p(guest);
    context = process.place(
      ...words.map((word) => (typeof word === 'number' ? BigInt.asUintN(64, BigInt(word)) : word)),
    );
    const noStrings = process.place(0);
    const plan: Record<number, number | bigint | { pointer: number }> = {
      [L.RP_MEMORIES]: p(memories),
      [L.RP_TABLES]: p(tables),
      [L.RP_STACK]: p(process.place(0x1234, 77, 78)),
      [L.RP_STACK_SIZE]: 24,
      [L.RP_STACK_RELOCS]: p(process.place(8)),
      [L.RP_STACK_RELOC_COUNT]: 1,
      [L.RP_CONTEXT]: p(context),
      [L.RP_HOST_STATE]: p(state),
      [L.RP_HOST_STATE_SIZE]: L.HS_PATHS,
      [L.RP_SOURCE_FD]: SOURCE_FD,
      [L.RP_ARGV]: p(noStrings),
      [L.RP_ENVP]: p(noStrings),
      [L.RP_PENDING_TIMEOUT]: 0xffffffffffffffffn,
      [L.RP_PHASE]: phase,
    };
    process.setPointer(
      L.RT_RESUME_PLAN,
      process.place(...Array.from({ length: L.RP_SIZE / 8 }, (_, i) => plan[i * 8] ?? 0)),
    );
  });
  return { ...image, context: 0x10000000 + context };
}

/** Image offsets of the guest's parts, found by way of the init plan (not yet relocated). */
function placed(process: FakeProcess): { memory: number; table: number; guest: number } {
  const word = (imageOffset: number) => process.get64(0x10000000 + imageOffset);
  const entry = word(0x10000 + L.RT_INIT_PLAN) + 8 + 11 * 8;
  return { guest: word(entry), memory: word(entry + 16), table: word(entry + 40) };
}

describe('a resume plan', () => {
  it('restores memory, table, stack and registers, and continues after its phase', () => {
    const { process, memory, table, context, entryRecord } = planned(2);
    const called: number[] = [];
    process.invoke = (record) => called.push(record);
    expect(startProcess(process)).toBe(0);
    const base = process.get64(memory + L.MEM_BASE);
    expect(process.get64(memory + L.MEM_SIZE)).toBe(131072);
    expect(process.mappings).toContainEqual(
      // private: what the guest writes is not the snapshot's
      { address: base + 65536, size: 4096, protection: 3, flags: 0x12, fd: SOURCE_FD, offset: 0x30000 },
    );
    expect(process.calls).toContainEqual(
      expect.objectContaining({ name: 'close', args: expect.arrayContaining([SOURCE_FD]) }),
    );
    expect(process.protections).toContainEqual({ address: base, size: 131072, protection: 3 });
    expect(process.get64(table + L.TAB_LENGTH)).toBe(3);
    const elements = process.get64(table + L.TAB_BASE);
    const instance = process.get64(context + hostConstants.INSTANCE_REGISTER * 8);
    expect([0, 8, 16].map((at) => process.get64(elements + at))).toEqual([0, 5, instance]);
    const top = process.rt64(L.TH_STACK_TOP);
    expect([24, 16, 8].map((below) => process.get64(top - below))).toEqual([0x1234, 0x10000000 + 77, 78]);
    expect(process.resumed).toEqual([context]);
    expect(process.get64(context + L.CTX_SP)).toBe(top - 24);
    expect(process.get64(context + hostConstants.SP_REGISTER * 8)).toBe(top - 24);
    expect(process.get64(context + hostConstants.MEMORY_BASE_REGISTER * 8)).toBe(base);
    expect(called).toEqual([entryRecord]);
  });

  it('ends when the entry has returned', () => {
    const { process } = planned(3);
    process.invoke = () => expect.unreachable();
    expect(startProcess(process)).toBe(0);
    expect(process.rt32(L.TH_PHASE)).toBe(3);
  });

  it('reads what the kernel cannot map', () => {
    const { process, memory } = planned(3);
    process.overrides['mmap'] = ([, , , , fd]) => (fd === SOURCE_FD ? -22 : undefined);
    let interrupted = false;
    process.overrides['pread64'] = ([, address, count, offset]) => {
      interrupted = !interrupted;
      if (interrupted) return -4; // EINTR
      process.set8(address, offset / 0x1000);
      return Math.min(count, 1000);
    };
    expect(startProcess(process)).toBe(0);
    const base = process.get64(memory + L.MEM_BASE) + 65536;
    expect([0, 1000, 4000].map((at) => process.get8(base + at))).toEqual([0x30, 0x30, 0x30]);
    let reads = 0;
    process.overrides['pread64'] = () => {
      if (reads++ > 10) throw new Error('it reads for good');
      return 0;
    };
    expect(startProcess(process)).toBe(1);
    expect(process.text(2)).toMatch(/cannot read the snapshot/);
  });
});
