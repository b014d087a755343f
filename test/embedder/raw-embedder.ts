/** An embedder that sends what a test says, message by message, invalid messages too. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { launch } from '../../src/api/launch.js';
import { MSG_HELLO, MSG_WELCOME } from '../../src/image/contract/embedder.js';

export class RawEmbedder {
  private readonly socket: Socket;
  private readonly output: Promise<[string, string]>;
  private received = Buffer.alloc(0);

  private constructor(private readonly child: ChildProcess) {
    this.socket = child.stdio[3] as Socket;
    this.socket.on('error', () => {});
    this.output = Promise.all([text(child.stdout!), text(child.stderr!)]);
  }

  static start(image: string, behave: (embedder: RawEmbedder) => Promise<void> | void): RawEmbedder {
    const { program, args, argv0 } = launch(image, 'program');
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
    const embedder = new RawEmbedder(
      spawn(program, [...args], { argv0, env: { WAGSNAP_EMBEDDER: '3' }, stdio: [...stdio] }),
    );
    void behave(embedder);
    return embedder;
  }

  async ended(): Promise<{ code: number | null; stdout: string; stderr: string }> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    const [stdout, stderr] = await this.output;
    return { code: this.child.exitCode, stdout, stderr };
  }

  /** The next message. */
  async message(): Promise<{ kind: number; body: Buffer }> {
    while (this.received.length < 8 || this.received.length < 8 + this.received.readUInt32LE(4)) {
      const [chunk] = (await once(this.socket, 'data')) as [Buffer];
      this.received = Buffer.concat([this.received, chunk]);
    }
    const end = 8 + this.received.readUInt32LE(4);
    const message = { kind: this.received.readUInt32LE(0), body: this.received.subarray(8, end) };
    this.received = this.received.subarray(end);
    return message;
  }

  async hello(): Promise<Buffer> {
    const { kind, body } = await this.message();
    if (kind !== MSG_HELLO) throw new Error(`${kind} is no hello`);
    return body;
  }

  welcome(): void {
    const body = Buffer.alloc(24, 1);
    body.writeUInt32LE(1, 0);
    this.send(MSG_WELCOME, body);
  }

  send(kind: number, body: Uint8Array): void {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(kind, 0);
    head.writeUInt32LE(body.length, 4);
    this.sendBytes(Buffer.concat([head, body]));
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  end(): void {
    this.socket.destroy();
  }
}
