/** Receives a workload from another host. */

import type { Readable, Writable } from 'node:stream';
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
  const [{ streamChannel }, { receiveProgram }, { Receiver }] = await Promise.all([
    import('../transport/channel.js'),
    import('../transport/target.js'),
    import('./receiver.js'),
  ]);
  return receiveProgram(streamChannel(input, output), new Receiver(options), options.onEvent);
}
