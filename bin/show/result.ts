/**
 * Prints a command's result, a file's name that programs can use, to stdout; to stderr when the command's output goes
 * to stdout.
 */

import { isStandardOutput } from '../../src/base/output.js';
import { terminalLines } from '../../src/base/terminal-text.js';

/** @param output the path that the command has written to */
export function printResult(output: string, line: string): void {
  const stream = isStandardOutput(output) ? process.stderr : process.stdout;
  stream.write(stream.isTTY ? terminalLines([line]) : `${line}\n`);
}
