import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LimitError, ModuleError } from '../../../src/base/errors.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { validateBodies } from '../../../src/wasm/validate.js';
import { expectedFailures } from '../../spec/expectations.js';
import {
  createAssembler,
  headOf,
  innerCommands,
  moduleOf,
  SCRIPT_FEATURES,
  type ScriptModule,
  splitCommands,
  stringsOf,
  testsuiteFolder,
  testsuiteScripts,
} from '../../support/wast.js';
import { isAboutUnsupported, isNewerThanV8, v8Accepts } from './v8.js';

/** Every module of the conformance suite: accepted or refused as the script says, and as the installed V8 does. */

type Expectation = 'valid' | 'invalid' | 'malformed';

interface Sample {
  readonly where: string;
  readonly module: ScriptModule;
  readonly expected: Expectation;
  readonly message: string;
}

/**
 * wabt writes no data count section without data segments, whatever the code uses; and a shared memory without a
 * maximum is no binary: malformed where the text is invalid.
 */
const WRONG_LAYER = /data count section required|shared memory has a maximum/;
/** Bit 6 of them says that a memory's index follows; before WebAssembly 3.0 it was an error by itself. */
const MEMOP_FLAGS = 'malformed memop flags';

const EXPECTED: Readonly<Record<string, Expectation>> = { assert_invalid: 'invalid', assert_malformed: 'malformed' };

function samplesOf(script: string, bytes: Buffer): Sample[] {
  const samples: Sample[] = [];
  const commands = splitCommands(bytes);
  if (!commands.some((command) => /^(module|assert_)/.test(headOf(command)))) {
    // A script may be the fields of one module.
    return [{ where: script, module: { form: 'text', id: undefined, source: bytes }, expected: 'valid', message: '' }];
  }
  for (const command of commands) {
    const where = `${script}:${command.line}`;
    const head = headOf(command);
    const module = head === 'module' ? command : innerCommands(command).find((inner) => headOf(inner) === 'module');
    if (module === undefined) continue;
    const message = head === 'module' ? '' : (stringsOf(command).at(-1)?.toString() ?? '');
    samples.push({ where, module: moduleOf(module), expected: EXPECTED[head] ?? 'valid', message });
  }
  return samples;
}

/** undefined when we accept the module, else the error. */
function refusal(bytes: Uint8Array): Error | undefined {
  try {
    validateBodies(decodeModule(bytes));
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

const folder = testsuiteFolder();

describe('conformance suite', () => {
  test.runIf(folder === undefined)('is absent: set WASM_TESTSUITE to its folder', () => {
    console.warn('the conformance suite is absent, its modules were not tested');
  });

  test.runIf(folder !== undefined)('every module is accepted or refused as it says', async () => {
    const assemble = await createAssembler(SCRIPT_FEATURES);
    const known = new Set(expectedFailures.map(({ script, line }) => `${script}:${line}`));
    const failures: string[] = [];
    const differing: string[] = [];
    const counts = { valid: 0, invalid: 0, malformed: 0, text: 0 };
    for (const script of testsuiteScripts(folder!)) {
      await setImmediate(); // lets the runner hear of this process
      for (const { where, module, expected, message } of samplesOf(script, readFileSync(`${folder}/${script}`))) {
        let bytes: Uint8Array;
        try {
          bytes = assemble(module, where);
        } catch (error) {
          // The text format's own rules: wabt's business.
          if (expected === 'valid') failures.push(`${where}: wabt: ${(error as Error).message}`);
          else counts.text++;
          continue;
        }
        const error = refusal(bytes);
        counts[expected]++;
        if (expected === 'valid') {
          if (error !== undefined) failures.push(`${where}: valid, but: ${error.message}`);
          else if (!v8Accepts(bytes) && !isNewerThanV8(decodeModule(bytes))) failures.push(`${where}: V8 refuses it`);
        } else if (v8Accepts(bytes) && !isAboutUnsupported(error?.message ?? '') && !known.has(where)) {
          failures.push(`${where}: V8 accepts it: ${error?.message}`);
        } else if (error === undefined) {
          if (!known.has(where)) failures.push(`${where}: accepted, expected ${expected}: ${message}`);
        } else if (!(error instanceof ModuleError || error instanceof LimitError)) {
          failures.push(`${where}: ${error.stack}`);
        } else if (known.has(where) || message === MEMOP_FLAGS) {
          // Another error than the script asks for.
        } else if (error.code !== expected && !(module.form === 'text' && WRONG_LAYER.test(error.message))) {
          failures.push(`${where}: expected ${expected} "${message}", got ${error.code} "${error.message}"`);
        } else if (!error.message.includes(message)) differing.push(`${where}: "${message}", ours "${error.message}"`);
      }
    }
    expect(failures).toEqual([]);
    // The suite's wording is not binding, but ours should rarely differ.
    expect(differing.length, differing.join('\n')).toBeLessThan(100);
    // So that a splitter that finds nothing does not pass.
    expect(counts.valid).toBeGreaterThan(1200);
    expect(counts.invalid).toBeGreaterThan(1400);
    expect(counts.malformed).toBeGreaterThan(600);
  });
});
