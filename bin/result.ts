/** A command's result on stdout; on stderr when its output is there. */

import { isStandardOutput } from '../src/output.js';

/** @param output the path that the command has written to */
export function printResult(output: string, line: string): void {
  const stream = isStandardOutput(output) ? process.stderr : process.stdout;
  stream.write(`${line}\n`);
}
