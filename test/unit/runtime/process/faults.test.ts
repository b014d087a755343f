/**
 * Which faults are wasm traps, at the edges: an address that is just in or out, code that is a guest's or the host's.
 */

import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { IMAGE } from './fake-process.js';
import { packedRows, runningImage, SIGFPE, SIGSEGV, SP, signal, TEXT } from './running-image.js';

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
    [L.RT_TRAPS_FILE]: packedRows(
      [ACCESS, 0x77, L.TRAP_MEMORY],
      [DIVISION, 0x78, L.TRAP_OVERFLOW],
      [HOST, 0x79, L.TRAP_MEMORY],
    ),
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

describe('among many trap sites', () => {
  // in 100 bytes of text each, with body offsets that rise and fall; more than two blocks of the packed table
  const sites = Array.from(
    { length: 150 },
    (_, row) => [0x100 + 100 * row, (row * 7919) % 5000, row % 3 === 0] as const,
  );
  function manyFaulting() {
    const image = runningImage(L.STATE_RUNNING, {
      [L.RT_FUNCS_FILE]: [0x100, 0x8000, 1, 5, 16, 0, 0, L.FUNC_GUEST],
      [L.RT_TRAPS_FILE]: packedRows(
        ...sites.map(
          ([text, body, divides]) =>
            [text, body, divides ? L.TRAP_OVERFLOW : L.TRAP_MEMORY] as [number, number, number],
        ),
      ),
    });
    const { process } = image;
    const top = process.rt64(L.TH_STACK_TOP);
    process.set64(SP, top - 256);
    process.set64(top - 240, IMAGE + TEXT + 0x9000); // ends the backtrace
    return (at: number) => ({ code: signal(process, SIGFPE, IMAGE + TEXT + at, 0), text: process.text(2) });
  }

  it.each([0, 63, 66, 126, 129, 147])('the one at row %i is found, with its body offset', (row) => {
    const [at, body] = sites[row];
    const { code, text } = manyFaulting()(at);
    expect(code).toBe(TRAP);
    expect(text).toContain('integer overflow');
    expect(text).toMatch(new RegExp(`0x${body.toString(16)}\\b`));
    for (const beside of [at - 1, at + 1]) expect(manyFaulting()(beside).code).toBe(FATAL);
  });

  it('none is found before the first and after the last one', () => {
    for (const at of [0x100 - 100, 0x100 + 100 * 150]) expect(manyFaulting()(at).code).toBe(FATAL);
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
