import { describe, expect, it } from 'vitest';
import * as L from '../../support/layout.js';
import { bootedImage, startProcess } from './process/fake-image.js';

const SIGSEGV = 11;

describe('start', () => {
  it('instantiates, runs the start function, then the entry, and exits with 0', () => {
    const image = bootedImage({
      start: true,
      entry: true,
      elements: 2,
      datas: [[4, [1, 2]]],
      elementSegments: [[1, [77]]],
    });
    const { process } = image;
    const order: [number, number][] = [];
    process.invoke = (record) => {
      order.push([record, process.rt32(L.TH_PHASE)]);
      expect(process.bytes(process.get64(image.memory + L.MEM_BASE) + 4, 2)).toEqual([1, 2]);
      expect(process.get64(process.get64(image.table + L.TAB_BASE) + 8)).toBe(77);
    };
    expect(startProcess(process)).toBe(0);
    expect(order).toEqual([
      [image.startRecord, 2],
      [image.entryRecord, 3],
    ]);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
    expect(process.get64(image.dataSegments[0] + L.SEG_LENGTH)).toBe(0);
  });

  it('finds arguments and environment', () => {
    const { process } = bootedImage();
    startProcess(process, ['A=1', 'B=2']);
    expect(process.rt64(L.RT_ARGC)).toBe(1);
    expect(process.get8(process.get64(process.rt64(L.RT_ARGV)))).toBe('p'.charCodeAt(0));
    expect(process.get8(process.get64(process.rt64(L.RT_ENVP) + 8))).toBe('B'.charCodeAt(0));
    expect(process.rt64(L.RT_AUXV)).toBe(process.rt64(L.RT_ENVP) + 24);
  });

  it('keeps the image open at a high descriptor', () => {
    const { process } = bootedImage();
    startProcess(process);
    expect(process.rt64(L.RT_EXE_FD)).toBe(1000);
    const low = bootedImage().process;
    low.overrides['fcntl'] = () => -22;
    startProcess(low);
    expect(low.rt64(L.RT_EXE_FD)).toBe(3);
  });

  it('handles faults on the signal stack, without restarting system calls', () => {
    const { process } = bootedImage();
    process.set64(process.runtime + L.RT_SIGNAL_ENTRY, 0x5000);
    const flags: number[] = [];
    process.overrides['rt_sigaction'] = ([signo, action]) => {
      if (signo === SIGSEGV) flags.push(process.get64(action + 8), process.get64(action), process.get64(action + 24));
      return 0;
    };
    startProcess(process);
    expect(flags).toEqual([0x0c000004, 0x10005000, (1 << (L.STOP_SIGNAL - 1)) | (1 << (L.TRACK_SIGNAL - 1))]);
  });

  it('traps when an active segment does not fit', () => {
    const { process } = bootedImage({ datas: [[65535, [1, 2]]] });
    expect(startProcess(process)).toBe(134);
    expect(process.text(2)).toBe('wasm trap: out of bounds memory access\n');
  });
});

describe('imports that must have grown', () => {
  const asks = (bytes: number, elements: number) =>
    bootedImage({ pages: 2, elements: 3, asks: [bytes, elements], entry: true }).process;

  it('are there', () => {
    expect(startProcess(asks(131072, 3))).toBe(0);
  });

  it.each([
    ['a memory', 131073, 3],
    ['a table', 131072, 4],
  ])('trap when they have not: %s', (_what, bytes, elements) => {
    const process = asks(bytes, elements);
    expect(startProcess(process)).toBe(134);
    expect(process.text(2)).toBe('wasm trap: an imported memory or table is smaller than the module asks for\n');
  });
});

describe('the driver', () => {
  const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
  const u64 = (value: number) => [...u32(value), 0, 0, 0, 0];

  it('instantiates, invokes and reads on command', () => {
    const image = bootedImage({ start: true, entry: true, pages: 1, datas: [[0, [42]]] });
    const { process } = image;
    const record = image.entryRecord - 0x10000000;
    process.invoke = (called, values) => {
      if (called !== image.entryRecord) return;
      if (process.get64(values) === 13) {
        process.set32(process.runtime + L.TH_TRAP_KIND, L.TRAP_UNREACHABLE);
        return;
      }
      process.set64(values, process.get64(values) + process.get64(values + 8));
    };
    const commands = [
      ...[1, ...u32(1)],
      ...[2, ...u32(record), ...u32(2), ...u64(20), ...u64(22), ...u32(1)],
      ...[2, ...u32(record), ...u32(1), ...u64(13), ...u32(1)],
      ...[3, ...u32(record + 8)],
      4,
    ];
    process.input = [Uint8Array.from(commands.slice(0, 11)), Uint8Array.from(commands.slice(11))];
    expect(startProcess(process, ['WAGSNAP_DRIVER=1'])).toBe(0);
    const guest = process.get64(image.entryRecord + 8);
    expect(process.output[1].slice(0, 11)).toEqual([0, 0, ...u64(42), L.TRAP_UNREACHABLE]);
    expect(process.output[1].slice(11)).toEqual([...u32(guest), 0, 0, 0, 0]);
    expect(process.rt32(L.RT_FLAGS)).toBe(L.FLAG_SANDBOX);
  });

  it('answers with the trap of an instantiation', () => {
    const { process } = bootedImage({ elements: 1, elementSegments: [[1, [5]]] });
    process.input = [Uint8Array.from([1, ...u32(1)])];
    expect(startProcess(process, ['WAGSNAP_DRIVER=1'])).toBe(0);
    expect(process.output[1]).toEqual([L.TRAP_TABLE]);
  });

  it('ends with 2 on a command that cannot be', () => {
    const { process } = bootedImage();
    process.input = [Uint8Array.from([9])];
    expect(startProcess(process, ['WAGSNAP_DRIVER=1'])).toBe(2);
  });
});
