/**
 * The end of a lazy move at its target: takes the pages that are still missing, while the program runs.
 *
 *     the program waits for a page: want --> | <-- bytes, arrived, also of pages that nobody waits for
 *     all is there, or the program has ended: whole -->
 *
 * Whatever fails: the program runs on until it needs a page that has not come, and then traps.
 */

import { InputError } from '../base/errors.js';
import type { Channel } from './channel.js';
import { LinkError } from './errors.js';
import type { Message } from './messages.js';

/** A program that has begun without all of its memory. */
export interface ArrivingPages {
  /** How many units are still to come. */
  readonly left: number;
  /** Resolves when the program has ended. */
  readonly ended: Promise<unknown>;
  /** Whether it has ended by now: this is known before `ended` tells. */
  hasEnded(): boolean;
  /** Calls this with each unit that the program waits for from now on, or already. */
  serve(onWant: (unit: number) => void): void;
  /** Whether all of these bytes of the file are still to come. */
  isMissing(offset: number, length: number): boolean;
  /** These units are in the file. @throws InputError when the file has no such units */
  arrived(unit: number, count: number): void;
  /** Nothing more will come. */
  close(): void;
}

/** The program may have read them. */
const SENT_AGAIN = 'the other side has sent pages that were there already';

/**
 * @param write takes a piece of the snapshot's file
 * @throws LinkError, InputError, ToolError: pages are lost, unless the program has all that it needs
 */
export async function receivePages(
  channel: Channel,
  pid: number,
  pages: ArrivingPages,
  write: (message: Message) => Promise<void>,
): Promise<void> {
  try {
    pages.serve((unit) => void channel.send({ name: 'want', unit }).catch(() => {})); // receive() says it, too
    await untilWhole(channel, pages, write);
  } catch (error) {
    if (!(error instanceof LinkError) || !pages.hasEnded()) throw error; // at the same time as the link
  } finally {
    pages.close();
  }
  await channel.send({ name: 'whole', pid }).catch(() => {}); // so it is, whether the source hears of it or not
}

/** Until all is there, or the program has ended. */
async function untilWhole(
  channel: Channel,
  pages: ArrivingPages,
  write: (message: Message) => Promise<void>,
): Promise<void> {
  const ended = pages.ended.then(() => undefined);
  while (pages.left > 0) {
    const next = channel.receive();
    next.catch(() => {});
    const message = await Promise.race([next, ended]);
    if (message === undefined) return;
    if (message.name === 'arrived') pages.arrived(message.unit, message.count);
    else if (message.name === 'bytes' || message.name === 'packed') {
      const length = message.name === 'bytes' ? message.data.length : message.length;
      if (!pages.isMissing(message.offset, length)) throw new InputError('stream', SENT_AGAIN);
      await write(message);
    } else throw new InputError('stream', `the other side has said "${message.name}" where pages were expected`);
  }
}
