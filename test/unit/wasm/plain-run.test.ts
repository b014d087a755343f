/**
 * Runs of plain instructions are a short cut: with or without them, a body is accepted or refused with the same
 * message, and its summary is the same.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { decodeModule } from '../../../src/wasm/decode.js';
import type { Module } from '../../../src/wasm/module.js';
import type { FunctionValidator } from '../../../src/wasm/validate.js';
import { random } from '../../support/random.js';

const FOLDER = new URL('../../../fixtures/programs/', import.meta.url);
const VALIDATE = '../../../src/wasm/validate.js';
const MUTATIONS = 20_000;

type Validator = typeof FunctionValidator;

const { FunctionValidator: short } = (await import(VALIDATE)) as { FunctionValidator: Validator };
vi.resetModules();
vi.doMock('../../../src/wasm/plain-run.js', () => ({ plainRun: () => {} }));
const { FunctionValidator: long } = (await import(VALIDATE)) as { FunctionValidator: Validator };

function validatorsOf(module: Module): FunctionValidator[] {
  return [short, long].map((validator) => new validator(module));
}

/** All that validation says of a function. */
function verdict(validator: FunctionValidator, index: number): unknown {
  try {
    const summary = validator.validate(index);
    const { localTypes, localWeight, localCount } = summary;
    const locals = [localTypes.slice(0, localCount), localWeight.slice(0, localCount)];
    return { ...summary, localTypes: locals[0], localWeight: locals[1] };
  } catch (error) {
    return (error as Error).message;
  }
}

test('the other one has none', () => {
  expect(long).not.toBe(short);
});

test.each(readdirSync(FOLDER).filter((name) => name.endsWith('.wasm')))('%s, function by function', (name) => {
  const module = decodeModule(readFileSync(new URL(name, FOLDER)));
  const [a, b] = validatorsOf(module);
  for (let i = module.importedFuncCount; i < module.funcTypes.length; i++) expect(verdict(a, i)).toEqual(verdict(b, i));
});

test('functions with a byte changed', () => {
  const module = decodeModule(new Uint8Array(readFileSync(new URL('interp.wasm', FOLDER))));
  const { bytes, bodyStart, bodyEnd, importedFuncCount } = module;
  const [a, b] = validatorsOf(module);
  const next = random(7);
  const below = (n: number) => Math.floor(next() * n);
  let refused = 0;
  for (let round = 0; round < MUTATIONS; round++) {
    const defined = below(bodyStart.length);
    const at = bodyStart[defined] + 1 + below(bodyEnd[defined] - bodyStart[defined] - 1);
    const before = bytes[at];
    bytes[at] = below(4) === 0 ? below(256) : before ^ (1 << below(8));
    const [mine, other] = [a, b].map((validator) => verdict(validator, importedFuncCount + defined));
    expect(mine, `byte ${bytes[at]} at ${at}`).toEqual(other);
    if (typeof mine === 'string') refused++;
    bytes[at] = before;
  }
  expect(refused).toBeGreaterThan(MUTATIONS / 4);
  expect(refused).toBeLessThan(MUTATIONS);
});
