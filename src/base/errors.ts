/**
 * The three kinds of error and the exit codes they end in.
 *
 * Errors are thrown deep and caught once, in bin/: the input's fault, a limit, or a bug of ours. Each carries a `code`,
 * a stable word for programs, and a message for people that names what, where and what to do. Names in a message are
 * foreign text, so a message is one line whatever they contain; further lines come from `details`.
 */

import { placeOf, withoutTemporaries } from './temporary-names.js';
import { terminalText } from './terminal-text.js';

export const ExitCode = { done: 0, failed: 1, usage: 2, input: 3, limit: 4, cpu: 5, bug: 70, trap: 134 } as const;

export abstract class WagSnapError extends Error {
  abstract readonly exitCode: number;
  readonly headline: string;
  /** Further lines of the message. */
  details: readonly string[];

  constructor(
    readonly code: string,
    headline: string,
    details: readonly string[] = [],
  ) {
    const lines = [headline, ...details].map(withoutTemporaries);
    super(lines.map(terminalText).join('\n'));
    this.name = new.target.name;
    this.headline = lines[0];
    this.details = lines.slice(1);
  }

  /** Adds a line to the message, which whoever has thrown it could not know. */
  add(detail: string): void {
    const line = withoutTemporaries(detail);
    this.details = [...this.details, line];
    this.message += `\n${terminalText(line)}`;
  }
}

/** What is wrong, with all details, in one line. */
export function inOneLine(error: unknown): string {
  if (!(error instanceof WagSnapError)) return String((error as Error).message);
  return `${error.headline} ${error.details.map((line) => line.trim()).join('; ')}`.trim();
}

/** The input is invalid: a module, a snapshot, a pid that is not ours. */
export class InputError extends WagSnapError {
  readonly exitCode: number = ExitCode.input;
}

/** The request makes no sense: a wrong option or argument. */
export class UsageError extends InputError {
  override readonly exitCode = ExitCode.usage;
  constructor(message: string, details: readonly string[] = []) {
    super('usage', message, details);
  }
}

/** A malformed or invalid module. `offset` is in bytes from the start of the module; an import has a name instead. */
export class ModuleError extends InputError {
  constructor(
    code: 'malformed' | 'invalid' | 'unlinkable' | 'unsupported',
    readonly detail: string,
    readonly offset: number,
    readonly file = 'module',
    details: readonly string[] = [],
  ) {
    super(code, `${file}: ${code === 'unlinkable' ? '' : `offset 0x${offset.toString(16)}: `}${detail}`, details);
  }
}

/** The input is valid but exceeds one of our limits. */
export class LimitError extends WagSnapError {
  readonly exitCode = ExitCode.limit;
}

/** The environment does not let us do the work: no permission, no such process, a full disk. */
export class ToolError extends WagSnapError {
  readonly exitCode = ExitCode.failed;
}

/** What the system says about a file or an address, in words. Holds the errors that a user can do something about. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file gets too large (ulimit -f)',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many open files (ulimit -n)',
  ENFILE: 'too many open files on this machine',
  EIO: 'the disk has failed',
  ENOMEM: 'there is not enough memory',
  ELOOP: 'its symbolic links lead in a circle, or are too many',
  EAGAIN: 'too many processes (ulimit -u)',
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine does not have the address',
};

/** Why a system call failed. @param error what Node has thrown */
export function systemReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return SYSTEM_ERRORS[code ?? ''] ?? message;
}

/** The error for an output that cannot be written. */
export function writeFailure(path: string, error: unknown): ToolError {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  const reason = missing ? 'there is no such folder' : systemReason(error);
  const failure = new ToolError('write', `${placeOf(path)}: cannot be written: ${reason}`);
  failure.cause = error;
  return failure;
}

/** Whether something could not be written as there is no room for it. */
export function isDiskFull(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  return error instanceof ToolError && (code === 'ENOSPC' || code === 'EDQUOT');
}

/** Runs `read` on an input file. @throws ToolError with what the system says about the file */
export function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new ToolError('read', `${path}: cannot be read: ${systemReason(error)}`);
  }
}

/** A bug of ours: an assertion that should hold did not. A fuzzer asserts that this never appears. */
export class BugError extends WagSnapError {
  readonly exitCode = ExitCode.bug;
  constructor(message: string) {
    super('bug', message);
  }
}
