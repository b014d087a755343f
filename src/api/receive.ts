/** Receives a workload from another host. */

import type { Readable, Writable } from 'node:stream';
import type { Channel } from '../transport/channel.js';
import type { Received } from '../transport/target.js';
import type { ReceiveOptions } from './receive-options.js';

export type { Received };

/**
 * Receives one workload that migrate() sends. The workload becomes a process of its own, which outlives this one. The
 * source is told what is wrong here.
 *
 * @param input bytes from the source @param output bytes to the source
 */
export async function receive(input: Readable, output: Writable, options: ReceiveOptions = {}): Promise<Received> {
  const { streamChannel } = await import('../transport/channel.js');
  return receiveFrom(streamChannel(input, output), options);
}

/** As receive(), from the descriptor of a pipe or a socket that nobody else reads: with less work than by a stream. */
export async function receiveFromPipe(
  descriptor: number,
  output: Writable,
  options: ReceiveOptions = {},
): Promise<Received> {
  const [{ SocketFrames }, { frameChannel }] = await Promise.all([
    import('../transport/socket-frames.js'),
    import('../transport/channel.js'),
  ]);
  const frames = new SocketFrames(descriptor);
  return receiveFrom(frameChannel(frames, output), options).finally(() => frames.close());
}

async function receiveFrom(channel: Channel, options: ReceiveOptions): Promise<Received> {
  const [{ receiveProgram }, { Receiver }] = await Promise.all([
    import('../transport/target.js'),
    import('./receiver.js'),
  ]);
  return receiveProgram(channel, new Receiver(options), options.onEvent, options.signal);
}
