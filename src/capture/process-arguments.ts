/** The arguments that a program was started with, in an emulator too. */

import { programArguments } from '../image/emulator.js';
import type { ProcessFolder } from './process-folder.js';

/** How much of them is read, in bytes. */
const ARGS_MAX = 1 << 17;

/**
 * The first is the program's name.
 *
 * @param isEmulated whether an emulator runs the program
 * @throws the system's error
 */
export function argumentsOf(folder: ProcessFolder, isEmulated: boolean): string[] {
  const args = folder.head('cmdline', ARGS_MAX).toString('utf8').split('\0').slice(0, -1);
  return isEmulated ? programArguments(args) : args;
}
