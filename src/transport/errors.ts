/** Errors of a move: nothing was moved, or the outcome is unknown. */

import { ToolError, WagSnapError } from '../base/errors.js';
import type { MessageOf } from './messages.js';

/** The other side is gone or silent. How much it received of the last messages is unknown. */
export class LinkError extends ToolError {
  constructor(what: string) {
    super('link', what);
  }
}

/** An error that the other side reports. */
export class RemoteError extends WagSnapError {
  readonly exitCode: number;
  constructor({ code, exitCode, headline, details }: MessageOf<'failed'>) {
    super(code, headline, details);
    this.exitCode = exitCode;
  }
}

/** EX_PROTOCOL of sysexits.h: the other side has not answered, and the program is kept parked here. */
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
