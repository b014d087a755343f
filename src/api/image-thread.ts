/** A thread that compiles one image: started by compile-apart.ts, with what to compile in workerData. */

import { parentPort, workerData } from 'node:worker_threads';
import { WagSnapError } from '../base/errors.js';
import { type CompileRequest, compileAttempts } from './compile-request.js';
import type { SentError } from './thread-error.js';

/** What it says, once: the image, or why there is none. */
export type ImageMessage = { readonly image: Uint8Array<ArrayBuffer>; readonly attempt: number } | SentError;

function compiled(): ImageMessage {
  try {
    const { image, attempt } = compileAttempts(workerData as CompileRequest);
    return { image: image.bytes as Uint8Array<ArrayBuffer>, attempt };
  } catch (error) {
    if (!(error instanceof WagSnapError)) throw error; // the thread ends with it
    const { code, exitCode, headline, details } = error;
    return { code, exitCode, headline, details };
  }
}

const message = compiled();
parentPort?.postMessage(message, 'image' in message ? [message.image.buffer] : []);
