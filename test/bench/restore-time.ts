/**
 * From the start of `wag-snap restore` to the first thing the guest does, with the image in the cache: a guest of 1 GiB
 * against one of 16 MiB. The guest is captured while it waits in a read; restored with an empty stdin it prints a line
 * at once, and the first byte of it is the moment that counts.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type Figure, milliseconds, ratio } from './figure.js';
import { check, compile, folder, median, ROUNDS, wagSnap } from './measure.js';
import { startTouch } from './workload.js';

const SIZES = [16, 1024] as const;

export const restoreTime: Figure = {
  name: 'restore',
  title: 'restore to first instruction, 1 GiB against 16 MiB',
  bar: '<= 1.5 x',
  measure: async () => {
    const image = compile('touch256');
    const snapshots: string[] = [];
    for (const size of SIZES) {
      const workload = await startTouch(image, size, 'read');
      const snapshot = `${folder}/restore-${size}.wsnap`;
      check([...wagSnap, 'capture', String(workload.pid), '--kill', '-o', snapshot]);
      snapshots.push(snapshot);
    }
    const times: number[][] = SIZES.map(() => []);
    for (let round = -1; round < ROUNDS; round++) {
      for (const [index, snapshot] of snapshots.entries()) {
        const time = await timeToFirstByte([...wagSnap, 'restore', snapshot]);
        if (round >= 0) times[index].push(time); // the first round fills the cache
      }
    }
    for (const snapshot of snapshots) rmSync(snapshot);
    const [small, big] = times.map(median);
    const details = [`restore to the first line: 16 MiB ${milliseconds(small)}, 1 GiB ${milliseconds(big)}`];
    return { value: ratio(big / small), pass: big / small <= 1.5, details };
  },
};

async function timeToFirstByte(command: readonly string[]): Promise<number> {
  const start = performance.now();
  const child = spawn(command[0], command.slice(1), {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let first: number | undefined;
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    first ??= performance.now();
    output += data.toString();
  });
  await closed;
  if (first === undefined || !/^touch256 resumed\ntouch256 checksum [0-9a-f]{16}\n$/.test(output)) {
    throw new Error(`the restored guest printed ${JSON.stringify(output.slice(0, 200))}`);
  }
  return (first - start) / 1000;
}
