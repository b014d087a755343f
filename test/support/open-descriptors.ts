/** What this process has open. */

import { readdirSync, readlinkSync } from 'node:fs';

/** The number of each descriptor and what it leads to. */
export function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return [];
    }
  });
}
