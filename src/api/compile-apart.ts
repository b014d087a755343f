/** Compiles an image on a thread of its own: this one can do something else meanwhile. */

import { Worker } from 'node:worker_threads';
import { ToolError } from '../base/errors.js';
import { threadUrl } from '../base/thread-url.js';
import type { CompileRequest } from './compile-request.js';
import type { ImageMessage } from './image-thread.js';
import { ThreadError } from './thread-error.js';

/**
 * @param signal ends the thread: nobody needs the image any more
 * @throws WagSnapError as compileAttempts() does; ToolError when it was ended
 */
export async function compileApart(
  request: CompileRequest,
  signal: AbortSignal,
): Promise<{ readonly image: Uint8Array; readonly attempt: number }> {
  const worker = new Worker(threadUrl('src/api/image-thread'), { workerData: request, execArgv: [] });
  const end = () => void worker.terminate();
  signal.addEventListener('abort', end, { once: true });
  try {
    const message = await new Promise<ImageMessage>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new ToolError('interrupted', 'the image is not compiled: nobody needs it')));
      if (signal.aborted) end();
    });
    if (!('image' in message)) throw new ThreadError(message);
    return message;
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}
