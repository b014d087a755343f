/** Commands of the tool in the test's own process, from source: each start of the tool takes half a second. */

import { format } from 'node:util';
import { vi } from 'vitest';
import { runCli } from '../../bin/cli.js';

/** Runs a command to its end; one at a time. Not for `run` and `restore`, which start a program in the tool's place. */
export async function ownCommand(args: readonly string[]) {
  let [stdout, stderr] = ['', ''];
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((stdout += text))),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((stderr += text))),
    vi.spyOn(console, 'log').mockImplementation((...words) => void (stdout += `${format(...words)}\n`)),
  ];
  process.exitCode = 0;
  try {
    await runCli(args);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error');
  const status = process.exitCode;
  process.exitCode = 0;
  return { status, stdout, stderr };
}
