/** A channel to a side that may be given up, by a signal of this process for example. */

import { ToolError } from '../base/errors.js';
import type { Channel } from './channel.js';

/** @returns the channel, on which nothing more is heard once this is aborted. @throws ToolError 'interrupted' by receive() */
export function untilGivenUp(channel: Channel, signal: AbortSignal | undefined): Channel {
  if (signal === undefined) return channel;
  return {
    get received() {
      return channel.received;
    },
    send: (message) => channel.send(message),
    receive: () =>
      new Promise((resolve, reject) => {
        const giveUp = () => reject(new ToolError('interrupted', `the receiver was interrupted by ${signal.reason}`));
        if (signal.aborted) return giveUp();
        signal.addEventListener('abort', giveUp, { once: true });
        channel
          .receive()
          .then(resolve, reject)
          .finally(() => signal.removeEventListener('abort', giveUp));
      }),
  };
}
