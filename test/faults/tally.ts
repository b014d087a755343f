/** Counts faults, and those that did no harm; a test file prints one line of it. */

import { afterAll } from 'vitest';

export class Tally {
  injected = 0;
  readonly failures: string[] = [];

  constructor(private readonly what: string) {}

  /** @param wrong what was wrong, if anything */
  add(fault: string, wrong: string | undefined): void {
    this.injected++;
    if (wrong !== undefined) this.failures.push(`${fault}: ${wrong}`);
  }

  line(): string {
    return `faults, ${this.what}: ${this.injected} injected, ${this.injected - this.failures.length} survived`;
  }

  /** For a test file: prints the line at its end. */
  printAtEnd(): this {
    afterAll(() => console.log(this.line()));
    return this;
  }
}
