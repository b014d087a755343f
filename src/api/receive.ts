/** A workload that comes from another host. */

import type { Readable, Writable } from 'node:stream';
import type { Received } from '../transport/target.js';
import type { ReceiveOptions } from './receive-options.js';

export type { Received };

/**
 * Takes one workload that migrate() sends. It is a process of its own afterwards, and runs on when this one ends. What
 * is wrong here is told to the other side.
 *
 * @param input what the other side sends @param output to it
 */
export async function receive(input: Readable, output: Writable, options: ReceiveOptions = {}): Promise<Received> {
  const [{ streamChannel }, { receiveProgram }, { Receiver }] = await Promise.all([
    import('../transport/channel.js'),
    import('../transport/target.js'),
    import('./receiver.js'),
  ]);
  return receiveProgram(streamChannel(input, output), new Receiver(options), options.onEvent);
}
