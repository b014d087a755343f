/** A thread that unpacks files of a snapshot into other files: started by unpacked-files.ts. */

import { parentPort, workerData } from 'node:worker_threads';
import { WagSnapError } from '../base/errors.js';
import { nameTemporary } from '../base/temporary-names.js';
import type { Packing } from '../snapshot/packing/packed-file.js';
import { SnapshotFile } from '../snapshot/snapshot-file.js';
import type { SentError } from './thread-error.js';

export interface UnpackRequest {
  readonly files: readonly {
    readonly path: string;
    /** Where it is opened: another tool may remove it from `path`. */
    readonly opened: string;
    readonly packing: Packing;
    /** A descriptor of an empty file. It stays open. */
    readonly target: number;
  }[];
}

/** What it says, once. */
export type UnpackMessage = { readonly isDone: true } | SentError;

async function unpacked(): Promise<UnpackMessage> {
  try {
    for (const { path, opened, packing, target } of (workerData as UnpackRequest).files) {
      nameTemporary(opened, path);
      const file = new SnapshotFile(opened, packing);
      try {
        await file.unpackTo(target);
      } finally {
        file.close();
      }
    }
    return { isDone: true };
  } catch (error) {
    if (!(error instanceof WagSnapError)) throw error; // the thread ends with it
    const { code, exitCode, headline, details } = error;
    return { code, exitCode, headline, details };
  }
}

parentPort?.postMessage(await unpacked());
