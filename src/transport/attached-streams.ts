/**
 * The source's end of a program's streams after it was moved: what it prints there comes back over the link, and what is
 * written here is its input there, until the link ends or the program does.
 */

import { once } from 'node:events';
import { PassThrough, type Readable, Writable } from 'node:stream';
import { InputError } from '../base/errors.js';
import type { Channel } from './channel.js';
import { PIECE } from './messages.js';

/** How a process has ended: by an exit code, or a signal. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export class AttachedStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when it has ended, and all that it has printed is there. @throws LinkError when that is not known */
  readonly ended: Promise<ProcessEnd>;

  /** @param close ends the link */
  constructor(
    private readonly channel: Channel,
    private readonly close: () => void,
  ) {
    const [out, err] = [new PassThrough(), new PassThrough()];
    this.stdout = out;
    this.stderr = err;
    this.stdin = new Writable({
      write: (data: Buffer, _, done) => void this.type(data).then(() => done(), done),
      final: (done) => void channel.send({ name: 'input', data: Buffer.alloc(0) }).then(() => done(), done),
    });
    this.stdin.on('error', () => {}); // the end of the link is told by `ended`
    this.ended = this.listen(out, err);
    this.ended.catch(() => {});
  }

  /** It runs on there, and prints to its files there; its input ends. */
  detach(): void {
    this.close();
  }

  private async type(data: Buffer): Promise<void> {
    for (let at = 0; at < data.length; at += PIECE) {
      await this.channel.send({ name: 'input', data: data.subarray(at, at + PIECE) });
    }
  }

  private async listen(out: PassThrough, err: PassThrough): Promise<ProcessEnd> {
    try {
      for (;;) {
        const message = await this.channel.receive();
        if (message.name === 'ended') return { code: message.code, signal: message.signal };
        if (message.name !== 'output') throw unexpected(message.name);
        await write(message.stream === 1 ? out : err, message.data);
      }
    } finally {
      out.end();
      err.end();
      this.stdin.destroy();
      this.close();
    }
  }
}

function unexpected(name: string): InputError {
  return new InputError('stream', `the other side has said "${name}" where the program's output was expected`);
}

async function write(to: PassThrough, data: Uint8Array): Promise<void> {
  if (to.write(data) || to.destroyed) return;
  const over = new AbortController();
  try {
    const { signal } = over;
    await Promise.race([once(to, 'drain', { signal }), once(to, 'close', { signal })]);
  } finally {
    over.abort();
  }
}
