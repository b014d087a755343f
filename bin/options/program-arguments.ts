/**
 * Splits the command line of `run` at the program. Options before it are ours; everything after it belongs to the
 * program, whatever it looks like.
 *
 *     run --dir . app.wasm --help       --help is the program's
 *     run --dir . -- app.wasm --help    the same
 *     run app.wasm -- --help            the same: one -- directly after the program is left out
 */

import type { Option } from './option-table.js';

/** Puts `--` after the program, as yargs needs it. @param args what follows the command's name */
export function separateProgram(args: readonly string[], options: readonly Option[]): string[] {
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--') return separated(args.slice(0, i), args.slice(i + 1));
    if (args[i] === '-' || !args[i].startsWith('-')) {
      const [program, ...rest] = args.slice(i);
      return separated(args.slice(0, i), [program, ...(rest[0] === '--' ? rest.slice(1) : rest)]);
    }
    if (valueFollows(args[i], options)) i++;
  }
  return [...args];
}

/** The first option before the program that does not exist, with its dashes. @param args up to the program, or `--` */
export function findUnknownOption(args: readonly string[], options: readonly Option[]): string | undefined {
  const isKnown = (name: string) => options.some(({ names }) => names.includes(name));
  for (let i = 0; i < args.length && args[i] !== '--'; i++) {
    if (args[i].startsWith('--')) {
      if (!isKnown(optionName(args[i]))) return args[i].replace(/=.*$/s, '');
    } else if (args[i].startsWith('-')) {
      for (const letter of args[i].slice(1).replace(/=.*$/s, '')) {
        if (!isKnown(letter)) return `-${letter}`;
        if (options.some(({ names, takesValue }) => takesValue && names.includes(letter))) break;
      }
    }
    if (args[i].startsWith('-') && valueFollows(args[i], options)) i++;
  }
  return undefined;
}

/** `--sameDirs=x` is `same-dirs`, as yargs accepts both spellings. */
function optionName(word: string): string {
  return word
    .slice(2)
    .replace(/=.*$/s, '')
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function separated(own: readonly string[], [program, ...rest]: readonly string[]): string[] {
  if (program === undefined) return [...own];
  // a file whose name looks like an option
  const name = program.startsWith('-') && program !== '-' ? `./${program}` : program;
  return [...own, name, '--', ...rest];
}

/** Whether the next word is this option's value: `--dir`, `-vo`, not `--dir=x`, `-ox`. */
export function valueFollows(word: string, options: readonly Option[]): boolean {
  const takesValue = (name: string) => options.some(({ names, takesValue }) => takesValue && names.includes(name));
  if (word.startsWith('--')) return !word.includes('=') && takesValue(optionName(word));
  const first = [...word].findIndex((letter, i) => i > 0 && takesValue(letter));
  return first > 0 && first === word.length - 1;
}
