/** Whether this command has a terminal to itself, as one that was typed has, and one with `&` has not. */

import { readFileSync } from 'node:fs';

/** Its input and its output are terminals, and what is typed comes to it. */
export function isInForeground(): boolean {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  // after the name, which may have anything in it: state, parent, group, session, terminal, the terminal's group
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const [, , group, , , inForeground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return group === inForeground;
}
