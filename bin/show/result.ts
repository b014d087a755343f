/**
 * A command's result on stdout, which is the name of a file for programs to use; on stderr when its output is there.
 */

import { isStandardOutput } from '../../src/base/output.js';
import { terminalLines } from '../../src/base/terminal-text.js';

/** @param output the path that the command has written to */
export function printResult(output: string, line: string): void {
  const stream = isStandardOutput(output) ? process.stderr : process.stdout;
  stream.write(stream.isTTY ? terminalLines([line]) : `${line}\n`);
}
