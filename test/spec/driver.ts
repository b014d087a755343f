/**
 * A process of an image, driven over pipes: the other side of src/runtime/process/driver.ts, which has the protocol.
 *
 * Writes all requests at once and reads all replies at the end. When the process dies before, whatever it had not
 * flushed is lost: so it is started once more and given one request at a time, to know which one it died of.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Values are cells of 64 bits: a v128 takes two, lower half first. */
export type Request =
  | { readonly kind: 'instantiate'; readonly instance: number }
  /** `record` and `cell` are image offsets. */
  | { readonly kind: 'invoke'; readonly record: number; readonly args: readonly bigint[]; readonly results: number }
  | { readonly kind: 'read'; readonly cell: number; readonly results: number };

export interface Reply {
  /** TRAP_* (src/image/contract/traps.ts), 0 for none. */
  readonly trap: number;
  readonly values: readonly bigint[];
}

export interface Replies {
  /** Of the first requests: of all of them unless the process died. */
  readonly replies: readonly Reply[];
  /** How the process ended when it should not have, and what it wrote to standard error. */
  readonly death: string | undefined;
}

const INSTANTIATE = 1;
const INVOKE = 2;
const READ = 3;
const QUIT = 4;

const TIMEOUT = 300_000; // milliseconds: it hangs

/** @param command the image, or an emulator and the image */
export async function drive(command: readonly string[], requests: readonly Request[]): Promise<Replies> {
  const encoded = requests.map(encode);
  const all = await exchange(command, requests, [Buffer.concat([...encoded, Buffer.of(QUIT)])]);
  if (all.death === undefined) return all;
  const single = await exchange(command, requests, [...encoded, Buffer.of(QUIT)]);
  return { ...single, death: single.death ?? `${all.death} (but not when given one request at a time)` };
}

/** Sends a piece of input, waits until the requests in it are answered, and so on. */
async function exchange(
  [file, ...args]: readonly string[],
  requests: readonly Request[],
  input: readonly Buffer[],
): Promise<Replies> {
  const child = spawn(file, args, { env: { WAGSNAP_DRIVER: '1' }, stdio: ['pipe', 'pipe', 'pipe'] });
  const { stdin, stdout, stderr } = child;
  const decoder = new Decoder(requests);
  const errors: Buffer[] = [];
  let sent = 0;
  let timedOut = false;
  const send = () => {
    if (sent < input.length && decoder.replies.length >= sent) stdin.write(input[sent++]);
  };
  stdin.on('error', () => {}); // the process has died: its exit says so
  stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  stdout.on('data', (chunk: Buffer) => {
    decoder.push(chunk);
    send();
  });
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, TIMEOUT);
  send();
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    const complete = decoder.replies.length === requests.length && decoder.rest === 0;
    const how = timedOut
      ? `gave no answer for ${TIMEOUT / 1000} s`
      : signal
        ? `died of ${signal}`
        : `exited with ${code}`;
    const death = code === 0 && complete ? undefined : `${how}\n${Buffer.concat(errors)}`.trimEnd();
    return { replies: decoder.replies, death };
  } finally {
    clearTimeout(timer);
  }
}

function encode(request: Request): Buffer {
  switch (request.kind) {
    case 'instantiate': {
      const bytes = Buffer.alloc(5, INSTANTIATE);
      bytes.writeUInt32LE(request.instance, 1);
      return bytes;
    }
    case 'read': {
      // A command for each cell.
      const bytes = Buffer.alloc(5 * request.results, READ);
      for (let i = 0; i < request.results; i++) bytes.writeUInt32LE(request.cell + 8 * i, 5 * i + 1);
      return bytes;
    }
    case 'invoke': {
      const { args } = request;
      const bytes = Buffer.alloc(13 + args.length * 8, INVOKE);
      bytes.writeUInt32LE(request.record, 1);
      bytes.writeUInt32LE(args.length, 5);
      args.forEach((value, i) => {
        bytes.writeBigUInt64LE(value, 9 + i * 8);
      });
      bytes.writeUInt32LE(request.results, 9 + args.length * 8);
      return bytes;
    }
  }
}

/** Reads replies, in the order of the requests, as they arrive. */
class Decoder {
  readonly replies: Reply[] = [];
  private pending = Buffer.alloc(0);

  constructor(private readonly requests: readonly Request[]) {}

  /** Bytes that belong to no reply yet. */
  get rest(): number {
    return this.pending.length;
  }

  push(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    let at = 0;
    while (this.replies.length < this.requests.length) {
      const size = this.replySize(this.requests[this.replies.length], at);
      if (size === undefined || at + size > this.pending.length) break;
      at += size;
    }
    this.pending = this.pending.subarray(at);
  }

  /** Takes the reply at `at` when all of it is there. */
  private replySize(request: Request, at: number): number | undefined {
    const { pending } = this;
    const start = request.kind === 'read' ? at : at + 1;
    if (pending.length < start) return undefined;
    const trap = request.kind === 'read' ? 0 : pending[at];
    const count = request.kind === 'instantiate' || trap !== 0 ? 0 : request.results;
    const end = start + count * 8;
    if (pending.length < end) return undefined;
    const values = Array.from({ length: count }, (_, i) => pending.readBigUInt64LE(start + i * 8));
    this.replies.push({ trap, values });
    return end - at;
  }
}
