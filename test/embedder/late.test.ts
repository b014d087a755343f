/** An embedder that never answers: its program traps when the time is over, and later answers are ignored. */

import { expect, test } from 'vitest';
import { run, UsageError } from '../../src/api/index.js';
import { canRun } from '../support/workload.js';

const TEXT = new TextEncoder().encode(`(module
  (import "env" "ask" (func $ask (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $ask)) (call $exit (call $ask))))`);

test.each(['x64', 'arm64'] as const)('on %s', async (arch) => {
  if (!canRun(arch)) return;
  let calls = 0;
  let reason: unknown;
  const program = await run(TEXT, {
    arch,
    callTimeout: 100,
    imports: {
      env: {
        ask: async ({ signal }) => {
          if (++calls === 1) return 1;
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          reason = signal.reason;
          return 2; // too late
        },
      },
    },
  });
  let said = '';
  program.stderr?.on('data', (data) => (said += data));
  const { code, trap, importFailure } = await program.exited;
  expect([code, trap?.message]).toEqual([134, 'env.ask: no answer within 100 ms']);
  expect(said).toMatch(/^wasm trap: env\.ask: no answer within 100 ms\n/);
  expect(importFailure).toEqual(new Error('no answer within 100 ms'));
  expect(reason).toBe(importFailure);
  expect(calls).toBe(2);
});

test('one that is quick enough is not late, and what is no time is refused', async () => {
  const imports = { env: { ask: async () => 7 } };
  const program = await run(TEXT, { callTimeout: 60_000, imports });
  expect((await program.exited).code).toBe(7);
  await expect(run(TEXT, { callTimeout: 0, imports })).rejects.toThrow(UsageError);
});
