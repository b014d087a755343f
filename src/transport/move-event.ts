/** What the source of a move reports. */

import type { Codec } from './codec.js';

/** What happens on the way, in this order. */
export type MoveEvent =
  /** `codec`: what is sent is compressed by it. */
  | { readonly event: 'connected'; readonly version: string; readonly codec: Codec | null }
  | { readonly event: 'ready'; readonly host: string; readonly arch: string; readonly warnings: readonly string[] }
  | { readonly event: 'compiled'; readonly cached: boolean }
  /**
   * All that has changed was sent, while the program ran: its number, from 1 on, bytes, the same on the way, and the time.
   */
  | {
      readonly event: 'round';
      readonly round: number;
      readonly bytes: number;
      readonly wire: number;
      readonly milliseconds: number;
    }
  /** What it has written meanwhile, and for how many milliseconds it would stand still for that. */
  | { readonly event: 'left'; readonly bytes: number; readonly downtime: number }
  | { readonly event: 'stopped' }
  /** Progress of sending. */
  | { readonly event: 'sent'; readonly bytes: number; readonly of: number }
  | { readonly event: 'prepared'; readonly pid: number }
  /** Of a lazy move: it runs there, after so many microseconds, and so many bytes of its memory are still here. */
  | { readonly event: 'running'; readonly pid: number; readonly output: string; readonly downtime: number }
  | { readonly event: 'lazy'; readonly bytes: number; readonly of: number }
  /** All of it is there. */
  | { readonly event: 'complete' };
