/** Errors that come from another thread, which cannot send them as they are. */

import { WagSnapError } from '../base/errors.js';

export interface SentError {
  readonly code: string;
  readonly exitCode: number;
  readonly headline: string;
  readonly details: readonly string[];
}

export class ThreadError extends WagSnapError {
  readonly exitCode: number;
  constructor({ code, exitCode, headline, details }: SentError) {
    super(code, headline, details);
    this.exitCode = exitCode;
  }
}
