/**
 * The system call filter in the kernel: a forged guest makes each call that is just outside of what a rule allows, and
 * dies of it. test/unit/runtime/process/filter.test.ts checks the rules themselves; here the kernel judges, with a real
 * process and its own addresses.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { callOf, callsBeside, type FilterFacts, filterRules } from '../support/filter-rules.js';
import { ForgedGuest, forgeImage } from '../support/forged-guest.js';
import { nativeArch } from '../support/native-arch.js';
import { type SystemCall, systemCallNumber } from '../support/system-calls.js';
import { temporaryFolder } from '../support/workload.js';

const [IMAGE, NOTHING] = [1000n, 1001n];
const hasSeccomp = /^Seccomp:/m.test(readFileSync('/proc/self/status', 'latin1'));

const image = join(temporaryFolder(), 'forged');
let guest: ForgedGuest | undefined;
beforeAll(() => forgeImage(image));
afterEach(async () => {
  await guest?.stop();
  guest = undefined;
});

/** A process, and what its own filter allows. */
async function start(): Promise<{ guest: ForgedGuest; facts: FilterFacts }> {
  await guest?.stop();
  guest = await ForgedGuest.start(image);
  const { pid } = guest.process;
  const maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
  const [first, last, at] = /^(\w+)-(\w+) r-xp (\w+) \S+ \d+ .*forged$/m
    .exec(maps)!
    .slice(1)
    .map((number) => BigInt(`0x${number}`));
  const text = { address: first, size: last - first, plain: at, trap: at };
  return {
    guest,
    facts: { directories: false, openat2: true, image: IMAGE, nothing: NOTHING, pid: BigInt(pid!), text },
  };
}

const known = (name: string): name is SystemCall => systemCallNumber(name as SystemCall, nativeArch) !== undefined;

describe('a forged guest', () => {
  test('has the descriptors that the rules are about', async (context) => {
    if (!hasSeccomp) context.skip('this kernel has no seccomp');
    const { guest } = await start();
    expect(readlinkSync(`/proc/${guest.process.pid}/fd/${IMAGE}`)).toBe(image);
    expect(readlinkSync(`/proc/${guest.process.pid}/fd/${NOTHING}`)).toBe('/dev/null');
  });

  test('dies of each call that is beside a rule', async (context) => {
    if (!hasSeccomp) context.skip('this kernel has no seccomp');
    let count = 0;
    const { facts } = await start();
    const rules = filterRules(facts).filter(({ name }) => known(name));
    for (let r = 0; r < rules.length; r++) {
      const { length } = callsBeside(rules, rules[r], 0n);
      for (let n = 0; n < length; n++) {
        const { guest, facts } = await start(); // addresses differ
        const own = filterRules(facts).filter(({ name }) => known(name));
        const args = callsBeside(own, own[r], 0n)[n];
        const result = await guest.call(own[r].name as SystemCall, args.map(BigInt.asIntN.bind(null, 64)));
        expect([own[r].name, args, result]).toEqual([own[r].name, args, 'SIGSYS']);
        count++;
      }
    }
    expect(count).toBeGreaterThan(80);
  });

  test('lives through what the rules allow', async (context) => {
    if (!hasSeccomp) context.skip('this kernel has no seccomp');
    const { guest, facts } = await start();
    for (const rule of filterRules(facts)) {
      if (!known(rule.name) || ['exit_group', 'write', 'read', 'mmap', 'mprotect', 'dup3'].includes(rule.name))
        continue;
      const args = callOf(rule, -1n).map((value) => BigInt.asIntN(64, value));
      expect([rule.name, typeof (await guest.call(rule.name as SystemCall, args))]).toEqual([rule.name, 'bigint']);
    }
  });
});
