import { expect, test } from 'vitest';
import { ToolError } from '../../../src/base/errors.js';
import type { ImageProcess } from '../../../src/capture/process.js';
import { StoppedProcess } from '../../../src/capture/stopped-process.js';

/** A process of which a word cannot be written. */
function broken(call: 'write' | 'writeU32'): StoppedProcess {
  const memory = { write: () => {}, writeU32: () => {} };
  memory[call] = () => {
    throw new ToolError('process-memory', 'pid 7: its memory cannot be accessed');
  };
  const process = { pid: 7, runtime: 0, memory, signal: async () => {}, status: () => undefined };
  return new StoppedProcess(process as unknown as ImageProcess, 0, undefined);
}

test.each(['write', 'writeU32'] as const)(
  'one that cannot be told to end: its snapshot is complete (%s)',
  async (call) => {
    await expect(broken(call).end('/a.wsnap')).rejects.toMatchObject({
      code: 'process-memory',
      message: 'pid 7: its memory cannot be accessed; its snapshot is complete',
    });
  },
);
