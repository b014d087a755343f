/**
 * The system call filter as the host layer builds it, run here instead of in the kernel: every call and every argument
 * just outside of what the rules allow is the end of the process, and nothing inside is.
 */

import { describe, expect, test } from 'vitest';
import { hostConstants } from '../../../../src/arch/x64/host-constants.js';
import { decodeProgram, type Instruction, RET_ALLOW, RET_KILL_PROCESS, runProgram } from '../../../support/bpf.js';
import { callOf, callsBeside, type FilterFacts, filterRules, isAllowed } from '../../../support/filter-rules.js';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from './fake-image.js';
import { IMAGE } from './fake-process.js';

const AUDIT_ARCH_X86_64 = 0xc000003e;
const PR_SET_NAME = 15; // what the process is called has nothing to do with it
const [TEXT, TEXT_SIZE, TEXT_FILE, TRAP_TEXT_FILE] = [0x100000, 0x30000, 0x20000, 0x50000];
const PID = 4711n;
/** Of a growing image: the descriptor that leads to the tool, where fcntl has moved it. */
const CHANNEL = 1001;
const numbers = new Map(
  Object.entries(hostConstants)
    .filter(([name]) => name.startsWith('SYS_'))
    .map(([name, nr]) => [name.slice(4), nr]),
);

interface Built {
  readonly program: Instruction[];
  readonly facts: FilterFacts;
  readonly flags: number;
  readonly names: string[];
}

function build(
  directories: boolean,
  openat2 = true,
  seccomp: (flags: number) => number = () => 0,
  tracks = true,
  prepare: (put: (field: number, value: number) => void) => void = () => {},
): Built {
  const { process } = bootedImage({ pages: 1, entry: true });
  const put = (field: number, value: number) => process.set64(process.runtime + field, value);
  put(L.RT_TEXT, TEXT);
  put(L.RT_TEXT_SIZE, TEXT_SIZE);
  put(L.RT_TEXT_FILE, TEXT_FILE);
  put(L.RT_TRAP_TEXT_FILE, TRAP_TEXT_FILE);
  prepare(put);
  let high = 1000;
  process.overrides['fcntl'] = ([, command]) => (command === 1030 ? high++ : undefined);
  process.overrides['write'] = ([fd]) => (fd === CHANNEL ? 4 : undefined);
  if (!tracks) process.overrides['userfaultfd'] = () => -38;
  process.overrides['getpid'] = () => Number(PID);
  process.overrides['openat2'] = () => (openat2 ? -22 : -38);
  let program: Instruction[] = [];
  const names: string[] = [];
  process.overrides['seccomp'] = ([mode, flags, at]) => {
    expect(mode).toBe(1);
    names.push(`seccomp ${flags}`);
    program = decodeProgram(Uint8Array.from(process.bytes(process.get64(at + 8), 8 * (process.get32(at) & 0xffff))));
    return seccomp(flags);
  };
  process.overrides['prctl'] = ([what, value]) => {
    if (what !== PR_SET_NAME) names.push(`prctl ${what} ${value}`);
    return 0;
  };
  process.invoke = () => {};
  startProcess(process, directories ? ['WAGSNAP_DIR=/x::/y'] : []);
  const text = {
    address: BigInt(IMAGE + TEXT),
    size: BigInt(TEXT_SIZE),
    plain: BigInt(TEXT_FILE),
    trap: BigInt(TRAP_TEXT_FILE),
  };
  const tracking = tracks ? { tracking: { userfault: 1002n, pagemap: 1003n } } : {};
  const facts = { directories, openat2, ...tracking, image: 1000n, nothing: 1001n, pid: PID, text };
  return { program, facts, flags: process.rt32(L.RT_FLAGS), names };
}

const run = (program: readonly Instruction[], nr: number, args: readonly bigint[], arch = AUDIT_ARCH_X86_64) =>
  runProgram(program, { nr, arch, args });

describe.each([
  ['without directories', false, true, true],
  ['with directories', true, true, true],
  ['with directories and without openat2', true, false, true],
  ['without userfaultfd', false, true, false],
] as const)('%s', (_, directories, openat2, tracks) => {
  const { program, facts } = build(directories, openat2, undefined, tracks);
  const rules = filterRules(facts);
  const others = [0n, 1n, 7n, 0xffff_ffff_ffff_ffffn];

  test('what the rules allow is allowed', () => {
    for (const rule of rules) {
      for (const other of others) {
        const args = callOf(rule, other);
        if (!isAllowed(rules, rule.name, args)) continue; // the image's descriptor happens to be the other value
        expect([rule.name, args, run(program, numbers.get(rule.name)!, args)]).toEqual([rule.name, args, RET_ALLOW]);
      }
    }
  });

  test('what is beside a rule is the end', () => {
    let count = 0;
    for (const rule of rules) {
      for (const other of others) {
        for (const args of callsBeside(rules, rule, other)) {
          count++;
          const result = run(program, numbers.get(rule.name)!, args);
          expect([rule.name, args, result]).toEqual([rule.name, args, RET_KILL_PROCESS]);
        }
      }
    }
    expect(count).toBeGreaterThan(200);
  });

  test('every other call is the end, whatever its arguments', () => {
    const allowed = new Set(rules.map(({ name }) => numbers.get(name)));
    for (let nr = 0; nr < 700; nr++) {
      if (allowed.has(nr)) continue;
      for (const value of others) expect([nr, run(program, nr, Array(6).fill(value))]).toEqual([nr, RET_KILL_PROCESS]);
    }
    for (const { name } of rules) {
      const nr = numbers.get(name)!;
      expect(run(program, (nr | 0x40000000) >>> 0, [0n, 0n, 0n, 0n, 0n, 0n])).toBe(RET_KILL_PROCESS); // x32
    }
  });

  test('a call of another convention is the end', () => {
    for (const arch of [0x40000003, 0xc00000b7, 0]) {
      expect(run(program, numbers.get('write')!, [1n, 0n, 0n, 0n, 0n, 0n], arch)).toBe(RET_KILL_PROCESS);
    }
  });
});

test('is entered with no_new_privs set before, and said to be', () => {
  const { flags, names } = build(false);
  expect(names).toEqual(['prctl 38 1', 'seccomp 4']);
  expect(flags & L.FLAG_SANDBOX).toBe(L.FLAG_SANDBOX);
});

test('is entered without the newer flag where the kernel does not know it', () => {
  const { flags, names } = build(false, true, (flags) => (flags === 4 ? -22 : 0));
  expect(names).toEqual(['prctl 38 1', 'seccomp 4', 'seccomp 0']);
  expect(flags & L.FLAG_SANDBOX).toBe(L.FLAG_SANDBOX);
});

test('a kernel without it is not said to have it', () => {
  const { flags } = build(false, true, () => -22);
  expect(flags & L.FLAG_SANDBOX).toBe(0);
});

/** Address of the byte that file offset 0 would have. The second one makes sums carry into the upper half. */
describe.each([IMAGE + TEXT - TEXT_FILE, 0x1_ffff_0000])('of a growing image at %i', (base) => {
  const { program } = build(false, true, undefined, false, (put) => {
    put(L.RT_SLOTS, TEXT + 64);
    put(L.RT_TEXT, base + TEXT_FILE - IMAGE);
  });
  const IMAGE_FD = 1000n;
  const PAGE = 0x1000;
  const END = TEXT_FILE + TEXT_SIZE;
  const CARRY = 2n ** 32n;

  /** A part of text as the process maps it, but for `changes`, by argument. */
  function mapped(offset: number, bytes: number, changes: Readonly<Record<number, bigint>> = {}): number {
    const args = [BigInt(base + offset), BigInt(bytes), 5n, 0x12n, IMAGE_FD, BigInt(offset)];
    return run(
      program,
      numbers.get('mmap')!,
      args.map((value, i) => changes[i] ?? value),
    );
  }

  test.each([
    [TEXT_FILE, PAGE],
    [TEXT_FILE, TEXT_SIZE],
    [TEXT_FILE + PAGE, 3 * PAGE],
    [TEXT_FILE + 0x10000, PAGE],
    [END - PAGE, PAGE],
  ])('%i and %i bytes of its text are mapped', (offset, bytes) => {
    expect(mapped(offset, bytes)).toBe(RET_ALLOW);
  });

  test.each([
    [TEXT_FILE - PAGE, PAGE],
    [END - PAGE, 2 * PAGE],
    [END + PAGE, PAGE],
    [TEXT_FILE, TEXT_SIZE + PAGE],
    [TEXT_FILE + PAGE, 0xffff_f000], // sums of 32 bits would be small
    [0xffff_f000, 2 * PAGE],
    [TRAP_TEXT_FILE, PAGE],
  ])('nothing else of the file can be executed: %i and %i bytes', (offset, bytes) => {
    expect(mapped(offset, bytes)).toBe(RET_KILL_PROCESS);
  });

  const [offset, bytes] = [TEXT_FILE + PAGE, PAGE];
  const address = BigInt(base + offset);
  test.each([
    ['at another place', { 0: address + BigInt(PAGE) }],
    ['before its place', { 0: address - BigInt(PAGE) }],
    ['4 GiB after its place', { 0: address + CARRY }],
    ['4 GiB before its place', { 0: BigInt.asUintN(64, address - CARRY) }],
    ['with a great length', { 1: BigInt(bytes) + CARRY }],
    ['writable', { 2: 7n }],
    ['shared', { 3: 0x11n }],
    ['without a file', { 3: 0x32n }],
    ['wherever there is room', { 3: 2n }],
    ['from another file', { 4: BigInt(CHANNEL) }],
    ['from a great offset', { 5: BigInt(offset) + CARRY }],
  ])('nor is it mapped %s', (_, changes) => {
    expect(mapped(offset, bytes, changes)).toBe(RET_KILL_PROCESS);
  });

  test('trap text is mapped over all of text', () => {
    const trapText = { 0: BigInt(base + TEXT_FILE), 5: BigInt(TRAP_TEXT_FILE) };
    expect(mapped(TEXT_FILE, TEXT_SIZE, trapText)).toBe(RET_ALLOW);
    expect(mapped(TEXT_FILE, PAGE, trapText)).toBe(RET_KILL_PROCESS);
    expect(mapped(TEXT_FILE, TEXT_SIZE, { ...trapText, 0: BigInt(base + TRAP_TEXT_FILE) })).toBe(RET_KILL_PROCESS);
  });

  test('what leads to the tool is not closed', () => {
    for (const fd of [IMAGE_FD, BigInt(CHANNEL)]) {
      expect(run(program, numbers.get('close')!, [fd, 0n, 0n, 0n, 0n, 0n])).toBe(RET_KILL_PROCESS);
    }
  });
});
