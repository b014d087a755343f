/** WAGSNAP_MAX_STACK: the size of the guest's stack, by itself and with a snapshot that has some of it in use. */

import { expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from './fake-image.js';
import { Exit, type FakeProcess } from './fake-process.js';

/** Where the memory is that a resume plan restores, after the stack is mapped. */
const MEMORY = 0x660000000000;

/**
 * The stack's size after start. With a resume plan start ends where it would make a memory as large as the snapshot's.
 */
function started(environment: readonly string[], used?: number): { process: FakeProcess; code: number; size: number } {
  const { process } = bootedImage({}, (p) => {
    if (used === undefined) return;
    const words: (number | { pointer: number })[] = new Array(L.RP_SIZE / 8).fill(0);
    words[L.RP_STACK_SIZE / 8] = used;
    const record = { pointer: p.place(MEMORY, 0) };
    words[L.RP_MEMORIES / 8] = { pointer: p.place(1, record, 65536, 0) };
    p.setPointer(L.RT_RESUME_PLAN, p.place(...words));
  });
  process.overrides['mprotect'] = ([address]) => {
    if (address === MEMORY) throw new Exit(0);
    return undefined;
  };
  const code = startProcess(process, environment);
  return { process, code, size: process.rt64(L.TH_STACK_TOP) - process.rt64(L.TH_STACK_LOW) };
}

it('is guarded, of the usual size or of the one asked for', () => {
  const { process, size } = started([]);
  expect(size).toBe(L.STACK_SIZE);
  const guarded = { size: L.STACK_SIZE + L.STACK_GUARD, protection: 0, fd: -1 };
  expect(process.mappings).toContainEqual(
    expect.objectContaining({ address: process.rt64(L.TH_STACK_LOW) - L.STACK_GUARD, ...guarded }),
  );
  expect(process.protections).toContainEqual({ address: process.rt64(L.TH_STACK_LOW), size, protection: 3 });
  expect(started([`WAGSNAP_MAX_STACK=${L.STACK_MIN}`]).size).toBe(65536);
  expect(started(['WAGSNAP_MAX_STACK=65537']).size).toBe(131072);
  expect(started([`WAGSNAP_MAX_STACK=${L.STACK_MAX}`]).size).toBe(L.STACK_MAX);
});

it('refuses a size that cannot be', () => {
  for (const size of [1, L.STACK_MIN - 1, L.STACK_MAX + 1]) {
    const { process, code } = started([`WAGSNAP_MAX_STACK=${size}`]);
    expect(code).toBe(2);
    expect(process.text(2)).toBe('wag-snap: --max-stack: expected 65536 to 268435456 bytes (WAGSNAP_MAX_STACK)\n');
  }
});

it('has room for what a snapshot has in use, and refuses to have less', () => {
  expect(started([], 2 * L.STACK_SIZE).size).toBeGreaterThan(2 * L.STACK_SIZE);
  expect(started(['WAGSNAP_MAX_STACK=131072'], 131072).size).toBe(131072);
  const { process, code } = started(['WAGSNAP_MAX_STACK=131071'], 131072);
  expect(code).toBe(4);
  expect(process.text(2)).toBe(
    'wag-snap: --max-stack: the program has 131072 bytes of stack in use, 131071 are allowed\n',
  );
});
