/** How a move ends that did not move anything, or of which nobody knows. */

import { ToolError, WagSnapError } from '../base/errors.js';
import type { MessageOf } from './messages.js';

/** The other side is gone, or says nothing. What it has got of what was sent last is not known. */
export class LinkError extends ToolError {
  constructor(what: string) {
    super('link', what);
  }
}

/** What the other side says that is wrong there. */
export class RemoteError extends WagSnapError {
  readonly exitCode: number;
  constructor({ code, exitCode, headline, details }: MessageOf<'failed'>) {
    super(code, headline, details);
    this.exitCode = exitCode;
  }
}

/** EX_PROTOCOL of sysexits.h is 76: the other side has not answered, and the program is kept. */
const EXIT_UNDECIDED = 76;

/** Committed, and no answer: the program is kept here, and may run there. */
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
