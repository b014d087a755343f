/** A thread that hashes extents of a file: started by extent-hashes.ts, with the file's descriptor in workerData. */

import { parentPort, workerData } from 'node:worker_threads';
import { hashWritten, type WrittenExtents } from './written-extents.js';

parentPort?.on('message', (extents: WrittenExtents) => {
  parentPort?.postMessage(hashWritten(workerData as number, extents));
});
