/**
 * A chain of hops: a program is captured at a random moment, ended, restored, captured again from there, and so on,
 * each time onto the next of several images of the same module. Every second resumable image is self-contained, the
 * others map the snapshot.
 *
 * What all the pieces print is to be what an unbroken run prints: the caller compares.
 *
 * How far a program gets in a given time depends on the machine, so a chain may end early. Then another one follows.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Built,
  captureAndEnd,
  type Ending,
  restoreAndStart,
  type StartOptions,
  Workload,
} from '../support/workload.js';

/** How long a process that could not be captured has for its end. */
const ENDS_WITHIN = 10_000; // milliseconds

interface HopChain {
  /** Of the last piece; stdout is that of all pieces. */
  readonly ending: Ending;
  /** May be less than asked for: the program was done. */
  readonly hops: number;
}

/**
 * Chains one after the other until they made `hops` hops in all, each with shorter waits than the one before.
 *
 * @param images of one module; hop n of a chain goes to images[n % length], its first piece runs on images[0]
 * @param wait milliseconds that the piece on an image is left alone before it is captured, in the first chain
 * @param folder for snapshots and resumable images
 */
export async function hopChains(
  images: readonly Built[],
  hops: number,
  wait: (image: Built) => number,
  folder: string,
  options: StartOptions,
): Promise<readonly HopChain[]> {
  const chains: HopChain[] = [];
  for (let done = 0; done < hops; done += chains[chains.length - 1].hops) {
    if (chains.length > 2 * hops) throw new Error(`the program is too short for ${hops} hops: ${done} were made`);
    const shorter = 0.8 ** chains.length;
    chains.push(await hop(images, hops - done, (image) => wait(image) * shorter, folder, options));
  }
  return chains;
}

async function hop(
  images: readonly Built[],
  hops: number,
  wait: (image: Built) => number,
  folder: string,
  options: StartOptions,
): Promise<HopChain> {
  let workload = Workload.start(images[0].path, options);
  let printed = '';
  let done = 0;
  for (; done < hops; done++) {
    await sleep(wait(images[done % images.length]));
    if (workload.hasEnded) break;
    const snapshot = join(folder, `${done % 2}.wsnap`);
    try {
      await captureAndEnd(workload, snapshot);
    } catch (error) {
      if (await endsByItself(workload)) break;
      workload.kill();
      throw error;
    }
    printed += (await workload.ended()).stdout;
    workload = await restoreAndStart(
      snapshot,
      images[(done + 1) % images.length],
      join(folder, `resumable-${done % 2}`),
      {
        dirs: options.dirs,
        selfContained: done % 2 === 0,
      },
    );
  }
  const last = await workload.ended();
  return { ending: { ...last, stdout: printed + last.stdout }, hops: done };
}

/** Whether a program that could not be captured was done before. */
export async function endsByItself(workload: Workload): Promise<boolean> {
  await Promise.race([workload.ended(), sleep(ENDS_WITHIN, undefined, { ref: false })]);
  return workload.hasEnded;
}
