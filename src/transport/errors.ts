/** Errors of a move: nothing was moved, or the outcome is unknown. */

import { InputError, ToolError, WagSnapError } from '../base/errors.js';
import type { Message, MessageOf } from './messages.js';

/** The other side is gone or silent. How much it received of the last messages is unknown. */
export class LinkError extends ToolError {
  constructor(what: string, details: readonly string[] = []) {
    super('link', what, details);
  }
}

/** The link was gone before all of a message was handed on: the other side cannot act on it. */
export class UnsentError extends LinkError {}

/** An error that the other side reports. */
export class RemoteError extends WagSnapError {
  readonly exitCode: number;
  constructor({ code, exitCode, headline, details }: MessageOf<'failed'>) {
    super(code, headline, details);
    this.exitCode = exitCode;
  }
}

/** EX_PROTOCOL of sysexits.h: nobody but the user knows where the program is to continue, and it is kept parked here. */
const EXIT_UNDECIDED = 76;

/** No answer came after `commit`: the program is kept parked here, and may run there. */
export class UndecidedError extends WagSnapError {
  readonly exitCode = EXIT_UNDECIDED;
  constructor(pid: number, host: string, why: string) {
    super(
      'undecided',
      `whether the program continues on ${host} is not known (${why}); here pid ${pid} stays parked:`,
      [`  if it runs there (wag-snap ps): wag-snap resume ${pid} --end`, `  if it does not: wag-snap resume ${pid}`],
    );
  }
}

/** A lazy move has lost its link: the program runs on the target without all of its memory, which is kept here. */
export class OwingError extends WagSnapError {
  readonly exitCode = EXIT_UNDECIDED;
  constructor(pid: number, there: number, host: string, bytes: number, why: string) {
    super(
      'owing',
      `pid ${there} on ${host} runs without ${bytes} bytes of its memory (${why}); here pid ${pid} stays parked, with all of it:`,
      [
        `  the program there ends when it needs one of them ("pages lost", exit code 134), unless it has ended by itself`,
        `  if it has ended by itself: wag-snap resume ${pid} --end`,
        `  if its pages were lost: wag-snap resume ${pid} lets it continue here, from where it was moved`,
      ],
    );
  }
}

/** A message that was not to come now. */
export function unexpected({ name }: Message, expected: string): InputError {
  return new InputError('stream', `the other side has said "${name}" where ${expected} was expected`);
}
