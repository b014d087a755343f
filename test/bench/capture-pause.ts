/**
 * The pause of a capture of a process that has touched 256 MiB and computes, against copying as much out of
 * /proc/PID/mem into a file beside the snapshot, in chunks of 1 MiB, from Node as well.
 */

import { closeSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { type Figure, milliseconds, ratio } from './figure.js';
import { check, compile, folder, median, ROUNDS, wagSnap } from './measure.js';
import { startTouch } from './workload.js';

const MEBIBYTES = 256;
const CHUNK = 1 << 20;

export const capturePause: Figure = {
  name: 'capture',
  title: `pause of a capture, ${MEBIBYTES} MiB touched, against a copy`,
  bar: '<= 1.3 x',
  measure: async () => {
    const workload = await startTouch(compile('touch256'), MEBIBYTES, 'loop');
    try {
      const pid = String(workload.pid);
      const snapshot = `${folder}/pause.wsnap`;
      const times: Record<'pause' | 'total' | 'copy' | 'read', number[]> = { pause: [], total: [], copy: [], read: [] };
      for (let round = 0; round < ROUNDS; round++) {
        const { pause, total } = JSON.parse(check([...wagSnap, 'capture', pid, '--json', '-o', snapshot]));
        times.pause.push(pause / 1e6);
        times.total.push(total / 1e6);
        rmSync(snapshot);
        times.copy.push(copyMemory(pid, `${folder}/copy`));
        rmSync(`${folder}/copy`);
        times.read.push(copyMemory(pid, undefined));
      }
      const [pause, total, copy, read] = [times.pause, times.total, times.copy, times.read].map(median);
      const details = [
        `capture: pause ${milliseconds(pause)}, total ${milliseconds(total)}; copy ${milliseconds(copy)}, ` +
          `reading alone ${milliseconds(read)} (pause / reading: ${ratio(pause / read)})`,
      ];
      return { value: ratio(pause / copy), pass: pause / copy <= 1.3, details };
    } finally {
      workload.kill('SIGKILL');
    }
  },
};

/** Reads the guest's memory, and writes it to a file when one is named; returns the seconds it took. */
function copyMemory(pid: string, to: string | undefined): number {
  const start = performance.now();
  let address = guestMemory(pid);
  const buffer = Buffer.allocUnsafe(CHUNK);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const file = to === undefined ? undefined : openSync(to, 'w');
  for (let left = MEBIBYTES << 20; left > 0; left -= CHUNK) {
    if (readSync(memory, buffer, 0, CHUNK, address) !== CHUNK) throw new Error('short read');
    if (file !== undefined) writeSync(file, buffer);
    address += BigInt(CHUNK);
  }
  closeSync(memory);
  if (file !== undefined) closeSync(file);
  return (performance.now() - start) / 1000;
}

/** The address of the largest writable mapping. */
function guestMemory(pid: string): bigint {
  let found = 0n;
  let largest = BigInt(MEBIBYTES << 20) - 1n;
  for (const [, low, high] of readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
    const [start, end] = [BigInt(`0x${low}`), BigInt(`0x${high}`)];
    if (end - start > largest) [found, largest] = [start, end - start];
  }
  if (found === 0n) throw new Error(`no mapping of ${MEBIBYTES} MiB`);
  return found;
}
