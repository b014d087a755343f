/** Which rule of a policy a snapshot is judged by, and what it then demands. */

import { describe, expect, test } from 'vitest';
import {
  checkBeginning,
  checkSubject,
  type PolicyRule,
  type Seal,
  type Subject,
} from '../../../src/snapshot/trust/policy.js';

const KEYS = { mine: 'ed25519:mine', other: 'ed25519:other' };
const [MODULE, ANOTHER] = ['1'.repeat(64), '2'.repeat(64)];
const plain: Seal = { signer: undefined, isEncrypted: false };
const signed: Seal = { signer: KEYS.mine, isEncrypted: false };
const encrypted: Seal = { signer: undefined, isEncrypted: true };

const check = (rules: readonly PolicyRule[], seal: Seal, subject: Partial<Subject>) =>
  checkSubject({ policy: { path: 'policy.json', rules } }, seal, { module: MODULE, ...subject }, 'it');
const open = { mustBeSigned: false, mustBeEncrypted: false };

describe('a name', () => {
  const rules = [{ names: ['jo*', 'web'] }];

  test.each(['jo', 'job', 'web'])('%s in a store chooses a rule', (stored) => {
    expect(check(rules, plain, { stored })).toEqual(open);
  });

  test.each(['j', 'web2', 'Job'])('%s does not', (stored) => {
    expect(() => check(rules, plain, { stored })).toThrow('it: policy.json has no rule that fits it');
  });

  test('of a workload does not choose a rule that asks for no signature: whoever makes a file chooses it', () => {
    expect(() => check(rules, plain, { workload: 'job' })).toThrow('has no rule that fits it');
    expect(() => check(rules, signed, { workload: 'job' })).toThrow('has no rule that fits it');
  });

  test('of a workload chooses one that does, and that in a store comes before it', () => {
    const asks = [{ names: ['job'], signedBy: [KEYS.mine] }, {}];
    expect(check(asks, signed, { workload: 'job' })).toEqual({ mustBeSigned: true, mustBeEncrypted: false });
    expect(() => check(asks, plain, { workload: 'job' })).toThrow(
      'is not signed, and must be signed by a key of rule 1',
    );
    expect(() => check(asks, plain, { stored: 'job', workload: 'web' })).toThrow('is not signed');
    expect(check(asks, plain, { stored: 'web', workload: 'job' })).toEqual(open);
  });
});

test('the first rule that fits applies, whatever later ones say', () => {
  const rules = [{ modules: [MODULE], signedBy: [KEYS.other] }, { encrypted: true }];
  expect(() => check(rules, signed, {})).toThrow(
    `it: is signed by ${KEYS.mine}, and must be signed by a key of rule 1`,
  );
  expect(check(rules, encrypted, { module: ANOTHER })).toEqual({ mustBeSigned: false, mustBeEncrypted: true });
  expect(() => check(rules, signed, { module: ANOTHER })).toThrow('it: is not encrypted, and policy.json demands it');
});

describe('while the module is not known', () => {
  const planned = (seal: Seal) => ({ ...seal, isPlanned: true });
  const rules = [
    { modules: [MODULE], signedBy: [KEYS.mine] },
    { modules: [ANOTHER] },
    { names: ['job'], encrypted: true },
  ];

  test('a rule that could apply is enough', () => {
    for (const seal of [plain, signed, encrypted]) {
      expect(() => check(rules, planned(seal), { module: undefined, stored: 'job' })).not.toThrow();
    }
  });

  test('none after one that fits every module counts', () => {
    const all = [{ names: ['job'], signedBy: [KEYS.mine] }, {}];
    const subject = { module: undefined, stored: 'job' };
    expect(() => check(all, planned(plain), subject)).toThrow('it: would not be signed, and must be signed by');
    expect(() => check(all, planned(plain), { ...subject, stored: 'web' })).not.toThrow();
  });
});

describe('a module begins', () => {
  const begin = (...rules: PolicyRule[]) => checkBeginning({ path: 'policy.json', rules }, 'job', MODULE);

  test('by a rule that has it, or that demands no signature', () => {
    begin({ modules: [MODULE], signedBy: [KEYS.mine], encrypted: true });
    begin({ names: ['job'], encrypted: true });
    begin({ names: ['web'], signedBy: [KEYS.mine] }, {});
  });

  test('not without a rule that fits it, and not where its signature is demanded', () => {
    const none = `the module ${MODULE}: policy.json has no rule that fits it`;
    expect(() => begin({ modules: [ANOTHER] })).toThrow(none);
    expect(() => begin({ names: ['web'] })).toThrow(none);
    expect(() => begin({ modules: [ANOTHER] }, { names: ['job'], signedBy: [KEYS.mine] }, {})).toThrow(
      'nobody has signed it, and rule 2 of policy.json demands it, or to have it in "modules"',
    );
  });
});
