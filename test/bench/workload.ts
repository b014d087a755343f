/** A running touch256, which the capture and restore figures work on: an image started by hand. */

import { type ChildProcess, spawn } from 'node:child_process';
import { folder } from './measure.js';

/** Starts it and waits until its memory is touched. It keeps running; kill it. */
export async function startTouch(image: string, mebibytes: number, then: 'loop' | 'read'): Promise<ChildProcess> {
  const child = spawn(image, [String(mebibytes), then], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => fail(new Error(`touch256 ended: ${code ?? signal}`)));
    child.stdout?.on('data', (data: Buffer) => data.includes('ready') && done());
  });
  return child;
}
