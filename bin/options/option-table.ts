/**
 * The options of a command as a table, read from what its builder tells yargs. Used to split command lines, for
 * suggestions, and for the manual page.
 */

import yargs, { type Argv, type CommandModule } from 'yargs';

export interface Option {
  /** Names without dashes; the first is the long one. */
  readonly names: readonly string[];
  readonly takesValue: boolean;
  readonly describe: string;
  /** Hidden from users. */
  readonly isHidden: boolean;
}

export interface CommandTable {
  /** `run <program> [args..]` */
  readonly command: string;
  readonly describe: string;
  readonly options: readonly Option[];
  /** Positional arguments: name and description. */
  readonly positionals: readonly (readonly [name: string, describe: string])[];
  /** Examples: the command line, and what it does. */
  readonly examples: readonly (readonly [line: string, describe: string])[];
}

/** What yargs collects but does not declare. */
interface Collected {
  getOptions(): {
    readonly key: Readonly<Record<string, unknown>>;
    readonly boolean: readonly string[];
    readonly alias: Readonly<Record<string, readonly string[]>>;
    readonly hiddenOptions: readonly string[];
  };
  getInternalMethods(): {
    getUsageInstance(): { getDescriptions(): Readonly<Record<string, string | undefined>> };
  };
}

export function commandTable(module: CommandModule<object, never>): CommandTable {
  const examples: [string, string][] = [];
  const positionals: [string, string][] = [];
  const scratch = yargs() as Argv<object> & Collected;
  const { example, positional } = scratch;
  // biome-ignore lint/suspicious/noExplicitAny: overloads of yargs
  (scratch as any).example = (lines: [string, string][] | string, describe: string) => {
    if (typeof lines === 'string') examples.push([lines, describe]); // called once for each example of a list
    return example.call(scratch, lines as never);
  };
  // biome-ignore lint/suspicious/noExplicitAny: overloads of yargs
  (scratch as any).positional = (name: string, how: { describe?: string }) => {
    positionals.push([name, how.describe ?? '']);
    return positional.call(scratch, name, how as never);
  };
  if (typeof module.builder === 'function') void module.builder(scratch);
  const { key, boolean, alias, hiddenOptions } = scratch.getOptions();
  const descriptions = scratch.getInternalMethods().getUsageInstance().getDescriptions();
  const isPositional = (name: string) => positionals.some(([known]) => known === name);
  const options = Object.keys(key)
    .filter((name) => !['help', 'version'].includes(name) && !isPositional(name))
    .map((name) => ({
      names: [name, ...(alias[name] ?? []).filter((other) => other.length === 1)],
      takesValue: !boolean.includes(name),
      describe: descriptions[name] ?? '',
      isHidden: hiddenOptions.includes(name),
    }))
    .filter(({ names: [name] }) => !(name.length === 1));
  const { command, describe } = module;
  return { command: String(command), describe: String(describe), options, positionals, examples };
}
