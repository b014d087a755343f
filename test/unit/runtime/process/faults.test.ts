/**
 * Which faults are wasm traps, at the edges: an address that is just in or out, code that is a guest's or the host's.
 */

import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { IMAGE } from './fake-process.js';
import { runningImage, SIGFPE, SIGSEGV, SP, signal, TEXT } from './running-image.js';

/** Text offsets: a memory access, a division, other code of a guest; a function of the host layer. */
const [ACCESS, DIVISION, PLAIN, HOST] = [0x180, 0x184, 0x190, 0x380];
const FATAL = 70;
const TRAP = 134;

function faulting() {
  const image = runningImage(L.STATE_RUNNING, {
    // as in running-image.ts, but the last one is the host layer's
    [L.RT_FUNCS_FILE]: [
      ...[0x100, 0x200, 1, 5, 16, 0, 0, L.FUNC_GUEST],
      ...[0x200, 0x300, 1, 6, 24, 0, 0, L.FUNC_GUEST],
      ...[0x300, 0x400, 0, 0, 16, 0, 0, L.FUNC_HOST],
    ],
    [L.RT_TRAPS_FILE]: [
      ...[ACCESS, (L.TRAP_MEMORY << 27) | 0x77],
      ...[DIVISION, (L.TRAP_OVERFLOW << 27) | 0x78],
      ...[HOST, (L.TRAP_MEMORY << 27) | 0x79],
    ],
  });
  const { process, memory } = image;
  const top = process.rt64(L.TH_STACK_TOP);
  process.set64(SP, top - 256);
  process.set64(top - 240, IMAGE + TEXT + 0x450); // ends the backtrace
  const base = process.get64(memory + L.MEM_BASE);
  const fault = (signo: number, at: number, address: number) => signal(process, signo, IMAGE + TEXT + at, address);
  return { process, base, low: process.rt64(L.TH_STACK_LOW), fault };
}

describe('at a memory access', () => {
  it.each([
    ['the last byte of the memory', 65535, FATAL],
    ['the first byte after it', 65536, TRAP],
    ['the last byte of what is reserved for it', L.MEMORY_RESERVATION - 1, TRAP],
    ['the first byte after that', L.MEMORY_RESERVATION, FATAL],
    ['the byte before it', -1, FATAL],
  ])('%s', (_, offset, code) => {
    const { process, base, fault } = faulting();
    expect(fault(SIGSEGV, ACCESS, base + offset)).toBe(code);
    expect(process.text(2)).toContain(code === TRAP ? 'out of bounds memory access' : 'fatal signal 11');
  });

  it('in code of the host it is a fault of ours', () => {
    const { base, fault } = faulting();
    expect(fault(SIGSEGV, HOST, base + 65536)).toBe(FATAL);
  });
});

describe('at another trap site', () => {
  it('a fault of memory is no trap, wherever it is', () => {
    const { base, fault } = faulting();
    expect(fault(SIGSEGV, DIVISION, base + 65536)).toBe(FATAL);
    expect(faulting().fault(SIGFPE, DIVISION, 0)).toBe(TRAP);
    expect(faulting().fault(SIGFPE, PLAIN, 0)).toBe(FATAL);
  });
});

describe('below the stack', () => {
  it.each([
    ['its lowest byte', 0, FATAL],
    ['the highest byte of the guard', -1, TRAP],
    ['the lowest byte of the guard', -L.STACK_GUARD, TRAP],
    ['the byte below it', -L.STACK_GUARD - 1, FATAL],
  ])('%s', (_, offset, code) => {
    const { process, low, fault } = faulting();
    expect(fault(SIGSEGV, PLAIN, low + offset)).toBe(code);
    expect(process.text(2)).toContain(code === TRAP ? 'call stack exhausted' : 'fatal signal 11');
  });

  it('in code of the host it is a fault of ours', () => {
    const { low, fault } = faulting();
    expect(fault(SIGSEGV, HOST, low - 8)).toBe(FATAL);
  });
});
