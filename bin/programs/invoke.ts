/** The tool's part in a call (`run --invoke`, or its restore): sends it, and prints the outcome. */

import type { ChildProcess } from 'node:child_process';
import { type CallMessage, Invocation } from '../../src/api/invocation.js';
import type { RawReply } from '../../src/api/reply.js';
import { formatValue } from '../../src/api/values.js';
import { ExitCode } from '../../src/base/errors.js';
import type { Attendant } from './attendant.js';

export class InvokeAttendant implements Attendant {
  readonly descriptors;
  readonly env;
  private readonly invocation: Invocation;

  /** @param descriptor the first free descriptor number of the process */
  constructor(call: CallMessage, descriptor: number) {
    this.invocation = new Invocation(call, descriptor);
    this.descriptors = this.invocation.descriptors;
    this.env = this.invocation.env;
  }

  start(child: ChildProcess): void {
    this.invocation.start(child);
  }

  /** Prints the results, one on each line, or the trap, which sets our exit code. */
  async finished(): Promise<void> {
    print(await this.invocation.reply());
  }
}

function print(reply: RawReply): void {
  if (reply.kind === 'results') for (const { type, bits } of reply.results) console.log(formatValue(type, bits));
  if (reply.kind !== 'trap') return;
  process.stderr.write(`wag-snap: trap: ${reply.message}\n`);
  process.exitCode = ExitCode.trap;
}
