/** A move of the lattice, whose records decide where the program continues. */

import { ToolError } from '../base/errors.js';
import { type Channel, within } from './channel.js';
import type { Hello } from './messages.js';
import type { ParkedProgram } from './moving-program.js';

export interface DecidedMove {
  /**
   * Decides where it continues, once the other side has all of it and it is kept here; otherwise it is there. For
   * `there` it ends the program here before it says so. @param lost resolves when the other side is gone
   */
  readonly decide?: ((lost: Promise<unknown>) => Promise<'here' | 'there'>) | undefined;
  /** How the other side knows the move. */
  readonly move?: Hello['move'];
}

/** How long the news is waited for that it runs there: for the figures only. */
const LAST_NEWS = 2000;

/**
 * Somebody else decides, and tells the target himself. The program stays kept until then, whatever becomes of the link.
 *
 * @throws ToolError 'recalled' when it continues here
 */
export async function decided<T>(
  channel: Channel,
  decide: NonNullable<DecidedMove['decide']>,
  parked: ParkedProgram,
  sent: T,
): Promise<T & { output: string; downtime: number }> {
  const answer = channel.receive();
  const lost = answer.then(
    ({ name }) => (name === 'running' ? new Promise(() => {}) : undefined),
    () => {},
  );
  if ((await decide(lost)) === 'here') {
    await parked.resumeKept();
    throw new ToolError('recalled', 'it was decided that the program continues here');
  }
  await within(LAST_NEWS, undefined, answer).catch(() => {});
  return { ...sent, output: '', downtime: Math.round((performance.now() - parked.stopRequested) * 1000) };
}
