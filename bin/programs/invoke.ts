/** `run --invoke`, and a restore of what it runs: the tool's part in a call, and what it prints of it. */

import type { ChildProcess } from 'node:child_process';
import { type CallMessage, Invocation } from '../../src/api/invocation.js';
import type { InvokeReply } from '../../src/api/reply.js';
import { formatValue } from '../../src/api/values.js';
import { ExitCode } from '../../src/base/errors.js';
import type { Attendant } from './attendant.js';

export class InvokeAttendant implements Attendant {
  readonly descriptors;
  readonly env;
  private readonly invocation: Invocation;

  /** @param descriptor the process's next free one */
  constructor(call: CallMessage, descriptor: number) {
    this.invocation = new Invocation(call, descriptor);
    this.descriptors = this.invocation.descriptors;
    this.env = this.invocation.env;
  }

  start(child: ChildProcess): void {
    this.invocation.start(child);
  }

  /** Prints results, one a line, or what the trap was: our exit code then. */
  async finished(): Promise<void> {
    print(await this.invocation.reply());
  }
}

function print(reply: InvokeReply): void {
  if (reply.kind === 'results') for (const { type, bits } of reply.results) console.log(formatValue(type, bits));
  if (reply.kind !== 'trap') return;
  process.stderr.write(`wag-snap: trap: ${reply.message}\n`);
  process.exitCode = ExitCode.trap;
}
