/** The arguments that a program was started with, whoever runs it. */

import { programArguments } from '../image/emulator.js';
import type { ProcessFolder } from './process-folder.js';

/** Bytes that are read of them, at most. */
const ARGS_MAX = 1 << 17;

/**
 * The name first.
 *
 * @param isEmulated whether an emulator runs the program
 * @throws the system's error
 */
export function argumentsOf(folder: ProcessFolder, isEmulated: boolean): string[] {
  const args = folder.head('cmdline', ARGS_MAX).toString('utf8').split('\0').slice(0, -1);
  return isEmulated ? programArguments(args) : args;
}
