/**
 * Runs one command of a command line, and sets the exit code.
 *
 * Loads only the named command's module, as start-up time adds to every compilation. All errors are caught here, in one
 * place: ours (errors.ts) are printed as `wag-snap: message` with their own exit code; what the system refuses is a
 * failure of the tool; anything else is a bug, exit code 70.
 */

import { existsSync } from 'node:fs';
import yargs, { type Argv, type CommandModule } from 'yargs';
import { ExitCode, systemReason, WagSnapError } from '../src/base/errors.js';
import { ownPackage } from '../src/base/package.js';
import { withoutTemporaries } from '../src/base/temporary-names.js';
import { terminalLines } from '../src/base/terminal-text.js';
import { commandTable, type Option } from './options/option-table.js';
import { findUnknownOption, separateProgram, valueFollows } from './options/program-arguments.js';
import { shellWord } from './options/shell-word.js';
import { nearest } from './options/suggest.js';
import { traceFromEnvironment } from './options/trace.js';
import { UsageError } from './options/usage.js';

export type AnyCommand = CommandModule<object, never>;

/** Every command, in the order of `--help`. */
export const commands: Readonly<Record<string, () => Promise<{ default: unknown }>>> = {
  compile: () => import('./commands/compile.js'),
  run: () => import('./commands/run.js'),
  capture: () => import('./commands/capture.js'),
  restore: () => import('./commands/restore.js'),
  fork: () => import('./commands/fork.js'),
  migrate: () => import('./commands/migrate.js'),
  receive: () => import('./commands/receive.js'),
  keys: () => import('./commands/keys.js'),
  resume: () => import('./commands/resume.js'),
  snapshots: () => import('./commands/snapshots.js'),
  push: () => import('./commands/push.js'),
  pull: () => import('./commands/pull.js'),
  verify: () => import('./commands/verify.js'),
  compact: () => import('./commands/compact.js'),
  coredump: () => import('./commands/coredump.js'),
  inspect: () => import('./commands/inspect.js'),
  ps: () => import('./commands/ps.js'),
  check: () => import('./commands/check.js'),
  node: () => import('./commands/node.js'),
  submit: () => import('./commands/submit.js'),
  jobs: () => import('./commands/jobs.js'),
  nodes: () => import('./commands/nodes.js'),
  logs: () => import('./commands/logs.js'),
  history: () => import('./commands/history.js'),
  stop: () => import('./commands/stop.js'),
  scale: () => import('./commands/scale.js'),
  move: () => import('./commands/move.js'),
  drain: () => import('./commands/drain.js'),
  cordon: () => import('./commands/cordon.js'),
};

/** Runs one command line and sets process.exitCode. Never throws. */
export async function runCli(args: readonly string[]): Promise<void> {
  process.stdout.on('error', outputFailed);
  process.stderr.on('error', () => {}); // nobody is left to tell
  try {
    traceFromEnvironment();
    await dispatch(args);
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** A closed pipe (`wag-snap inspect … | head -1`) needs no message; a full disk does. */
function outputFailed(error: NodeJS.ErrnoException): void {
  process.exitCode = ExitCode.failed;
  if (error.code !== 'EPIPE') process.stderr.write(`wag-snap: cannot print the result: ${systemReason(error)}\n`);
}

async function dispatch(args: readonly string[]): Promise<void> {
  const [verb, ...rest] = withoutHelpCommands(args);
  if (verb === undefined) throw new UsageError('no command was given; there are:', await commandList());
  if (verb === COMPLETION) return printCompletion(rest);
  if (verb === '--version' && rest.length === 0) {
    console.log(ownPackage().version); // needs no command's module
    return;
  }
  const isCommand = Object.hasOwn(commands, verb);
  if (!isCommand && !verb.startsWith('-')) throw await noSuchCommand(verb);
  const modules = await loadCommands(isCommand ? [verb] : Object.keys(commands));
  const options = isCommand ? [...commandTable(modules[0]).options, ...GLOBAL] : GLOBAL;
  const own = verb === 'run' ? separateProgram(rest, options) : rest;
  if (verb !== COMPLETING) refuseUnknown(isCommand ? verb : undefined, isCommand ? own : [verb, ...own], options);
  const parser = makeParser((message) => usageError(isCommand ? verb : undefined, message, modules));
  let run: (() => unknown) | undefined;
  for (const module of modules) {
    const handler = (options: never) => {
      run = () => module.handler(options);
    };
    (parser as Argv<object>).command({ ...module, handler } as AnyCommand);
  }
  if (isCommand) withoutHelpText(parser);
  await parser.parseAsync([verb, ...own].map((arg) => (arg === DASH ? DASH_MARK : arg)));
  await run?.();
}

/**
 * yargs makes the text of --help whenever it has called a handler, for messages that we write ourselves. That is a
 * sixth of a short command's time, and no option turns it off.
 */
function withoutHelpText(parser: Argv): void {
  const { getInternalMethods } = parser as Argv & { getInternalMethods?: () => YargsInternals };
  const usage = getInternalMethods?.call(parser).getUsageInstance?.();
  if (usage?.cacheHelpMessage !== undefined) usage.cacheHelpMessage = () => {};
}

/** The methods of yargs that its types leave out. */
interface YargsInternals {
  getUsageInstance?(): { cacheHelpMessage?: () => void };
}

/** Options that every command has. */
const GLOBAL: readonly Option[] = [
  { names: ['help', 'h'], takesValue: false, describe: 'Show help', isHidden: false },
  { names: ['version'], takesValue: false, describe: 'Show version number', isHidden: false },
];
const COMPLETION = 'completion';
/** The command that the shell calls to complete a word. */
const COMPLETING = '--get-yargs-completions';

/** Prints the completion script for a shell, by default for the one of this session. */
function printCompletion([shell = process.env['SHELL']?.includes('zsh') ? 'zsh' : 'bash', ...rest]: string[]): void {
  if (rest.length > 0 || (shell !== 'bash' && shell !== 'zsh')) {
    throw new UsageError('expected wag-snap completion bash, or zsh');
  }
  process.env['SHELL'] = shell; // yargs looks there
  makeParser(() => new UsageError('completion')).showCompletionScript();
}

function refuseUnknown(verb: string | undefined, args: readonly string[], options: readonly Option[]): void {
  const unknown = findUnknownOption(args, options);
  const last = args.at(-1);
  if (unknown === undefined && last?.startsWith('-') && !args.includes('--') && valueFollows(last, options)) {
    const name = last.startsWith('--') ? last.slice(2) : last.slice(-1);
    const describe = options.find(({ names }) => names.includes(name))?.describe;
    throw new UsageError(`${last} needs a value${describe ? `: ${describe}` : ''} (${seeHelp(verb)})`);
  }
  if (unknown === undefined) return;
  const names = options.filter(({ isHidden }) => !isHidden).map(({ names: [name] }) => name);
  const meant = unknown.startsWith('--') ? nearest(unknown.slice(2), names) : undefined;
  const hint = meant === undefined ? '' : `; did you mean --${meant}?`;
  throw new UsageError(`there is no option ${unknown}${hint} (${seeHelp(verb)})`);
}

function seeHelp(verb: string | undefined): string {
  return verb === undefined ? 'see wag-snap --help' : `see wag-snap ${verb} --help`;
}

function makeParser(explain: (message: string) => UsageError): Argv {
  return yargs()
    .scriptName('wag-snap')
    .detectLocale(false)
    .usage(
      '$0 <command> [options]\n\nCompiles WebAssembly to native processes; captures them while they run; restores them.',
    )
    .parserConfiguration({
      'populate--': true,
      'parse-positional-numbers': false,
      'parse-numbers': false,
      'boolean-negation': false,
      'dot-notation': false,
      'camel-case-expansion': true,
    })
    .strict()
    .demandCommand(1)
    .completion(COMPLETION, false, completeWord as never)
    .version(ownPackage().version)
    .help()
    .alias('h', 'help')
    .epilogue('wag-snap help COMMAND says more; wag-snap completion bash|zsh prints what the shell needs to complete.')
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .exitProcess(false)
    .middleware(restoreDash, true)
    .fail((message: string | null, error: Error | undefined) => {
      // yargs wraps errors of coerce functions in an error of its own
      throw error === undefined || error.name === 'YError' ? explain(message ?? error?.message ?? '') : error;
    });
}

/** Translates `help`, `help run` and `version` to options. */
function withoutHelpCommands([verb, ...rest]: readonly string[]): string[] {
  if (verb === 'version' && rest.length === 0) return ['--version'];
  if (verb !== 'help') return verb === undefined ? [] : [verb, ...rest];
  const isOwn = rest.length === 0 || rest[0].startsWith('-') || ['help', 'version', COMPLETION].includes(rest[0]);
  return isOwn ? ['--help'] : [rest[0], '--help'];
}

/** Completes a word as yargs does, but without aliases of one letter, which yargs spells with two dashes. */
function completeWord(
  _word: string,
  _argv: unknown,
  usual: (then: (error: unknown, words: string[]) => void) => void,
  done: (words: string[]) => void,
): void {
  usual((_error, words) => done(words.filter((word) => !/^--.(?::|$)/.test(word))));
}

export async function loadCommands(names: readonly string[]): Promise<AnyCommand[]> {
  return Promise.all(names.map(async (name) => (await commands[name]()).default as AnyCommand));
}

/** One line for each command. */
async function commandList(): Promise<string[]> {
  return listCommands(await loadCommands(Object.keys(commands)));
}

function listCommands(all: readonly AnyCommand[]): string[] {
  return [...all.map(({ command, describe }) => `  ${String(command).padEnd(24)} ${describe}`), 'see wag-snap --help'];
}

/** Standard input or output. yargs takes a positional `-` for an empty text, so it must not see it. */
const DASH = '-';
const DASH_MARK = '\0dash';

function restoreDash(argv: Record<string, unknown>): void {
  const restored = (value: unknown) => (value === DASH_MARK ? DASH : value);
  for (const [name, value] of Object.entries(argv)) {
    argv[name] = Array.isArray(value) ? value.map(restored) : restored(value);
  }
}

/** Words that other tools use for what one of our commands does. */
const SYNONYMS: Readonly<Record<string, string>> = {
  build: 'compile',
  checkpoint: 'capture',
  clone: 'fork',
  doctor: 'check',
  download: 'pull',
  dump: 'capture',
  exec: 'run',
  freeze: 'capture',
  info: 'inspect',
  list: 'ps',
  load: 'restore',
  ls: 'ps',
  resume: 'restore',
  save: 'capture',
  show: 'inspect',
  snapshot: 'capture',
  start: 'run',
  status: 'ps',
  thaw: 'restore',
  upload: 'push',
};

async function noSuchCommand(verb: string): Promise<UsageError> {
  const what = `there is no command ${verb}`;
  if (existsSync(verb)) return new UsageError(`${what}; to run the file: wag-snap run ${shellWord(verb)}`);
  const names = [...Object.keys(commands), 'help', 'version', COMPLETION];
  const meant = Object.hasOwn(SYNONYMS, verb) ? SYNONYMS[verb] : nearest(verb, names);
  if (meant !== undefined) return new UsageError(`${what}; did you mean ${meant}? (${seeHelp(undefined)})`);
  return new UsageError(`${what}; there are:`, await commandList());
}

/** Turns a complaint of yargs into one of ours. */
function usageError(verb: string | undefined, message: string, modules: readonly AnyCommand[]): UsageError {
  const help = seeHelp(verb);
  const [first = 'wrong usage', ...rest] = message.split('\n').filter((line) => line.trim() !== '');
  if (first.startsWith('Not enough non-option arguments')) {
    if (verb === undefined) return new UsageError('no command was given; there are:', listCommands(modules));
    const [wanted] = commandTable(modules[0]).positionals.map(([, describe]) => describe);
    return new UsageError(`${verb} needs ${wanted} (${help})`);
  }
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/s.exec(message)?.[1];
  if (unknown !== undefined)
    return new UsageError(`one argument too many for ${verb ?? 'wag-snap'}: ${unknown} (${help})`);
  const choice = /Argument: (\S+), Given: (.*), Choices: (.*)$/s.exec(message);
  if (choice !== null) return new UsageError(`--${choice[1]} ${choice[2]}: expected one of ${choice[3]} (${help})`);
  return new UsageError(`${first} (${help})`, rest);
}

/** Prints an error for people, and returns its exit code. */
function report(error: unknown): number {
  const { exitCode, lines } = explain(error);
  const stack = process.env['WAGSNAP_DEBUG'] ? ((error as Error)?.stack?.split('\n') ?? []) : [];
  process.stderr.write(terminalLines([...lines, ...stack]));
  return exitCode;
}

function explain(error: unknown): { exitCode: number; lines: string[] } {
  if (error instanceof WagSnapError && error.exitCode !== ExitCode.bug) {
    return {
      exitCode: error.exitCode,
      lines: [`wag-snap: ${error.headline}`, ...error.details],
    };
  }
  if (error instanceof Error && 'syscall' in error) {
    const { path, syscall } = error as NodeJS.ErrnoException;
    const what = withoutTemporaries(path ?? syscall ?? '');
    return { exitCode: ExitCode.failed, lines: [`wag-snap: ${what}: ${systemReason(error)}`] };
  }
  const message = error instanceof Error ? error.message : String(error);
  const [first, ...rest] = message.split('\n');
  const where = process.env['WAGSNAP_DEBUG'] ? [] : ['wag-snap: WAGSNAP_DEBUG=1 shows where'];
  return { exitCode: ExitCode.bug, lines: [`wag-snap: a bug of ours, please report it: ${first}`, ...rest, ...where] };
}
