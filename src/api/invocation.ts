/**
 * The tool's side of a call that a process makes instead of its program's entry (runtime/process/call.ts). The call and
 * the reply each have a pipe, so that the guest keeps its standard streams.
 */

import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { TRAP_MESSAGES } from '../capture/trap.js';
import { TRAP_FATAL } from '../image/contract/traps.js';
import { ValType } from '../wasm/module.js';
import type { RawReply } from './reply.js';

/** Messages by TRAP_*. */
const MESSAGES: Readonly<Record<number, string>> = { ...TRAP_MESSAGES, [TRAP_FATAL]: 'fatal signal' };

export interface CallMessage {
  /** The bytes to send; empty when the process has its call already. */
  readonly message: Buffer;
  /** Types of the results. */
  readonly results: Uint8Array; // of ValType
  /** Bytes of trap kinds that precede the results in the reply. */
  readonly kinds: number;
  /** The environment variable that tells the image the descriptor. */
  readonly variable: 'WAGSNAP_INVOKE' | 'WAGSNAP_DRIVER';
}

export class Invocation {
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors that the process inherits after its others. */
  readonly descriptors = ['pipe', 'pipe'] as const;
  private replies: Promise<Buffer[]> | undefined;

  /** @param descriptor the first free descriptor number of the process */
  constructor(
    private readonly call: CallMessage,
    private readonly descriptor: number,
  ) {
    this.env = { [call.variable]: String(descriptor) };
  }

  /** Called when the process has started. */
  start(child: ChildProcess): void {
    const commands = child.stdio[this.descriptor] as Writable;
    const replies = child.stdio[this.descriptor + 1] as Readable;
    commands.on('error', () => {}); // the process has ended: its exit code says why
    this.replies = replies.toArray();
    this.replies.catch(() => {}); // a failure is reported by reply()
    commands.end(this.call.message);
  }

  /** Resolves once the process has closed its end. */
  async reply(): Promise<RawReply> {
    return decodeReply(this.call, Buffer.concat((await this.replies) ?? []));
  }
}

/** The call of a restored process, which has it from the snapshot. @param results their types */
export function resumedCall(results: Uint8Array): CallMessage {
  return { message: Buffer.alloc(0), results, kinds: 1, variable: 'WAGSNAP_INVOKE' };
}

/** The number of 64-bit cells that values of these types take. */
export function countCells(types: Uint8Array): number {
  return types.reduce((sum, type) => sum + cellsOf(type), 0);
}

function cellsOf(type: ValType): number {
  return type === ValType.V128 ? 2 : 1;
}

function decodeReply({ results: types, kinds }: CallMessage, reply: Buffer): RawReply {
  const trap = reply.subarray(0, kinds).find((kind) => kind !== 0);
  if (trap !== undefined) return { kind: 'trap', message: MESSAGES[trap] ?? String(trap) };
  if (reply.length !== kinds + countCells(types) * 8) return { kind: 'ended' };
  let cell = kinds;
  const results = Array.from(types, (type: ValType) => {
    const low = reply.readBigUInt64LE(cell);
    const bits = cellsOf(type) === 2 ? low | (reply.readBigUInt64LE(cell + 8) << 64n) : low;
    cell += cellsOf(type) * 8;
    return { type, bits };
  });
  return { kind: 'results', results };
}
