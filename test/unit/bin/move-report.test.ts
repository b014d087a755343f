/** The line of progress of a move: a part after the other, each with its own name and rate. */

import { afterEach, expect, test, vi } from 'vitest';
import { MoveReport } from '../../../bin/show/move-report.js';

const ERASE = '\x1b[K';
let isTTY: boolean | undefined;

afterEach(() => {
  process.stderr.isTTY = isTTY as boolean;
  vi.restoreAllMocks();
});

test('rounds have their numbers, whenever the image is there', () => {
  ({ isTTY } = process.stderr);
  process.stderr.isTTY = true;
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const { onEvent } = new MoveReport({ json: false, verbose: false, attach: false });
  const MEBI = 1 << 20;
  const sent = (mebibytes: number, of: number, milliseconds: number) => {
    now += milliseconds;
    onEvent({ event: 'sent', bytes: mebibytes * MEBI, of: of * MEBI });
  };
  sent(1, 1, 5000);
  onEvent({ event: 'ready', host: 'there', arch: 'x64', warnings: [] });
  sent(2, 2, 1000); // modules
  sent(1, 40, 500); // a round begins
  sent(11, 40, 500);
  onEvent({ event: 'round', round: 1, bytes: 40 * MEBI, wire: 40 * MEBI, milliseconds: 2000 });
  onEvent({ event: 'left', bytes: 4 * MEBI, downtime: 70 });
  sent(2, 4, 1000);
  onEvent({ event: 'round', round: 2, bytes: 4 * MEBI, wire: 4 * MEBI, milliseconds: 2000 });
  onEvent({ event: 'compiled', cached: false });
  sent(1, 2, 1000);
  const lines = written.filter((text) => text.includes(' of ')).map((text) => text.slice('\r'.length, -ERASE.length));
  expect(lines).toEqual([
    'sending: 1 of 1 MiB (100 %), 0 MiB/s, 0 s left',
    'sending round 1: 2 of 2 MiB (100 %), 2 MiB/s, 0 s left',
    'sending round 1: 11 of 40 MiB (27 %), 22 MiB/s, 2 s left',
    'sending round 2 (4 MiB: 70 ms of downtime): 2 of 4 MiB (50 %), 2 MiB/s, 1 s left',
    'sending round 3: 1 of 2 MiB (50 %), 1 MiB/s, 1 s left',
  ]);
});
