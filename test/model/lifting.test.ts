/**
 * Tracking by mprotect (src/runtime/process/protect.ts) within a host call: all interleavings of a call that makes a block
 * writable for the kernel, or lifts all protection, with scans and new sessions that interrupt it. Neither the kernel nor
 * the program meets a block that is read-only for good, and no scan misses a write.
 *
 *     two blocks of a memory; a session numbers them anew, in another order
 */

import { expect, test } from 'vitest';

interface World {
  hasRows: boolean;
  /** Which number block 0 has; block 1 has the other. */
  order: number;
  /** By number. */
  written: boolean[];
  /** By block, as is `unseen`: written since the last scan of it. */
  readOnly: boolean[];
  unseen: boolean[];
  host: 'guest' | 'row' | 'look' | 'load' | 'mark' | 'open' | 'kernel' | 'lift0' | 'lift1' | 'close';
  /** What the host call holds in its hands: a block's number, and the word of all marks. */
  number: number;
  word: boolean[];
  /** Whether a target is set, which scans make writable again. */
  aims: boolean;
  wrong?: string;
}

type Fault = 'words' | 'begins' | 'ends';
type Step = (world: World) => void;

const TARGET = 0;
const numberOf = ({ order }: World, block: number) => block ^ order;

function write(world: World, block: number, byKernel: boolean): void {
  if (world.readOnly[block]) {
    const number = numberOf(world, block);
    if (byKernel) world.wrong = 'EFAULT';
    else if (!world.hasRows || world.written[number]) world.wrong = 'a fatal signal';
    world.written[number] = true;
    world.readOnly[block] = false;
  }
  world.unseen[block] = true;
}

const begin: Step = (world) => {
  Object.assign(world, { hasRows: true, order: 1 - world.order, written: [true, true], readOnly: [false, false] });
};

const scan: Step = (world) => {
  if (!world.hasRows) return;
  for (const block of [0, 1]) {
    const number = numberOf(world, block);
    if (world.written[number]) {
      world.written[number] = false;
      world.readOnly[block] = true;
    } else if (world.unseen[block]) world.wrong = 'a scan misses a write';
    world.unseen[block] = false;
  }
  if (!world.aims) return;
  world.written[numberOf(world, TARGET)] = true;
  world.readOnly[TARGET] = false;
};

const HOST: Record<Exclude<World['host'], 'guest'>, (faults: ReadonlySet<Fault>) => Step> = {
  row: () => (world) => {
    world.host = world.hasRows ? 'look' : 'kernel';
    world.number = numberOf(world, TARGET);
  },
  look: (faults) => (world) => {
    world.host = world.written[world.number] ? 'kernel' : faults.has('words') ? 'load' : 'mark';
  },
  load: () => (world) => {
    world.word = [...world.written];
    world.host = 'mark';
  },
  mark: (faults) => (world) => {
    if (faults.has('words')) world.written = [...world.word];
    world.written[world.number] = true;
    world.host = 'open';
  },
  open: () => (world) => {
    world.readOnly[TARGET] = false;
    world.host = 'kernel';
  },
  kernel: () => (world) => {
    write(world, TARGET, true);
    Object.assign(world, { host: 'guest', aims: false, number: 0, word: [] });
  },
  lift0: () => (world) => {
    world.readOnly[0] = false;
    world.host = 'lift1';
  },
  lift1: () => (world) => {
    world.readOnly[1] = false;
    world.host = 'close';
  },
  close: () => (world) => {
    world.hasRows = false;
    world.host = 'kernel';
  },
};

function* stepsOf({ host, hasRows }: World, faults: ReadonlySet<Fault>): Generator<[string, Step]> {
  const ends = ['lift0', 'lift1', 'close'].includes(host);
  const lifts = ends || ['row', 'look', 'load', 'mark', 'open'].includes(host);
  if (!lifts || faults.has('begins') || (ends && faults.has('ends'))) yield ['a session begins', begin];
  if (!ends || faults.has('ends')) yield ['a scan', scan];
  if (host !== 'guest') yield [host, HOST[host](faults)];
  else {
    for (const block of [0, 1]) yield [`the program writes block ${block}`, (world) => write(world, block, false)];
    const calls =
      (next: World['host']): Step =>
      (world) =>
        void Object.assign(world, { host: next, aims: true });
    yield ['a host call', calls('row')];
    if (hasRows) yield ['a host call after the death of the tool', calls('lift0')];
  }
}

/** @returns what does not hold, with the steps that led there, and how many states there are */
function walk(...faults: Fault[]): { wrong: string | undefined; states: number } {
  const start: World = {
    hasRows: false,
    order: 0,
    written: [true, true],
    readOnly: [false, false],
    unseen: [false, false],
    host: 'guest',
    number: 0,
    word: [],
    aims: false,
  };
  const paths = new Map<string, string>([[JSON.stringify(start), '']]);
  for (const [key, path] of paths) {
    for (const [name, step] of stepsOf(JSON.parse(key), new Set(faults))) {
      const world: World = JSON.parse(key);
      step(world);
      if (world.wrong !== undefined) return { wrong: `${world.wrong}:${path}, ${name}`, states: paths.size };
      const next = JSON.stringify(world);
      if (!paths.has(next)) paths.set(next, `${path}, ${name}`);
    }
  }
  return { wrong: undefined, states: paths.size };
}

test('whatever interrupts a host call, no block stays read-only and no write is missed', () => {
  const { wrong, states } = walk();
  expect(wrong).toBeUndefined();
  expect(states).toBeGreaterThan(100);
});

test.each([
  ['a word of marks is changed at once', 'words', /^(EFAULT|a fatal signal):/],
  ['a session begins while a block is lifted', 'begins', /^(EFAULT|a fatal signal|a scan misses a write):/],
  ['requests are answered while all is lifted', 'ends', /^(EFAULT|a fatal signal):/],
] as const)('it matters: %s', (_, fault, wrong) => {
  expect(walk(fault).wrong).toMatch(wrong);
});
