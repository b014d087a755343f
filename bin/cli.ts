/**
 * From the command line to one command and an exit code.
 *
 * Loads only the named command's module: start-up is part of the time a compilation takes. All errors end here, in one
 * catch: ours (errors.ts) as `wag-snap: message` with their own exit code, what the system refuses as the tool's failure,
 * anything else as a bug, exit code 70.
 */

import yargs, { type Argv, type CommandModule } from 'yargs';
import { ExitCode, systemReason, WagSnapError } from '../src/errors.js';
import { ownPackage } from '../src/package.js';
import { withoutTemporaries } from '../src/temporary.js';
import { terminalLines } from '../src/terminal-text.js';
import { UsageError } from './usage.js';

type AnyCommand = CommandModule<object, never>;

/** Every command, in the order of `--help`. */
const commands: Readonly<Record<string, () => Promise<{ default: unknown }>>> = {
  compile: () => import('./commands/compile.js'),
  run: () => import('./commands/run.js'),
  capture: () => import('./commands/capture.js'),
  restore: () => import('./commands/restore.js'),
  coredump: () => import('./commands/coredump.js'),
  inspect: () => import('./commands/inspect.js'),
  ps: () => import('./commands/ps.js'),
  check: () => import('./commands/check.js'),
};

/** Runs one command line and sets process.exitCode. Never throws. */
export async function runCli(args: readonly string[]): Promise<void> {
  process.stdout.on('error', outputFailed);
  process.stderr.on('error', () => {}); // there is nobody left to tell
  try {
    await dispatch(args);
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** A reader that has seen enough (`wag-snap inspect … | head -1`) needs no message; a full disk does. */
function outputFailed(error: NodeJS.ErrnoException): void {
  process.exitCode = ExitCode.failed;
  if (error.code !== 'EPIPE') process.stderr.write(`wag-snap: cannot print the result: ${systemReason(error)}\n`);
}

async function dispatch(args: readonly string[]): Promise<void> {
  const parser = yargs()
    .scriptName('wag-snap')
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
    .version(ownPackage().version)
    .help()
    .alias('h', 'help')
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .exitProcess(false)
    .middleware(restoreDash, true)
    .fail((message: string | null, error: Error | undefined) => {
      // yargs wraps what a coerce function throws in an error of its own
      throw error === undefined || error.name === 'YError' ? usageError(verb, message ?? error?.message) : error;
    });
  const verb = args[0];
  const names = verb !== undefined && Object.hasOwn(commands, verb) ? [verb] : Object.keys(commands);
  const modules = await Promise.all(names.map((name) => commands[name]()));
  for (const module of modules) (parser as Argv<object>).command(module.default as AnyCommand);
  await parser.parseAsync(args.map((arg) => (arg === DASH ? DASH_MARK : arg)));
}

/** Standard input or output. yargs takes a positional one for an empty text, so it does not see it. */
const DASH = '-';
const DASH_MARK = '\0dash';

function restoreDash(argv: Record<string, unknown>): void {
  const restored = (value: unknown) => (value === DASH_MARK ? DASH : value);
  for (const [name, value] of Object.entries(argv)) {
    argv[name] = Array.isArray(value) ? value.map(restored) : restored(value);
  }
}

/** What yargs complains about, in our words. */
function usageError(verb: string | undefined, message = 'wrong usage'): UsageError {
  const known = verb !== undefined && Object.hasOwn(commands, verb);
  const help = known ? `see wag-snap ${verb} --help` : 'see wag-snap --help';
  const which = message.startsWith('Not enough non-option arguments');
  if (verb === undefined || (!known && which && verb.startsWith('-'))) return new UsageError(`which command? ${help}`);
  if (!known && !verb.startsWith('-')) return new UsageError(`there is no command ${verb}: ${help}`);
  if (which) return new UsageError(`${verb} what? ${help}`);
  const hint = verb === 'run' && message.startsWith('Unknown argument') ? "; the program's own go behind --" : '';
  return new UsageError(`${message}${hint}: ${help}`);
}

/** Prints an error for people and returns the exit code it asks for. */
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
      lines: [`wag-snap: ${error.headline}`, ...error.details].map(withoutTemporaries),
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
