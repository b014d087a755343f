/**
 * The files of a packed snapshot, unpacked by a thread of its own while this one compiles the module. The files that
 * they are unpacked to have no names. The restored process maps them, as it maps those of a snapshot that is not packed.
 *
 * If the image is in the cache there is nothing to wait for: then the pages are unpacked into the image at once.
 */

import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { writeFailure } from '../base/errors.js';
import { threadUrl } from '../base/thread-url.js';
import { trace } from '../base/trace.js';
import { heldPath } from '../snapshot/held-files.js';
import type { Packing } from '../snapshot/packing/packed-file.js';
import { unpackedBytes } from '../snapshot/packing/packed-header.js';
import type { LocatedFile, StoredSnapshot } from '../snapshot/snapshot.js';
import { ThreadError } from './thread-error.js';
import type { UnpackMessage, UnpackRequest } from './unpack-thread.js';

/** With less it takes longer to start the thread than to unpack. */
const MIN_BYTES = 8 << 20;

type PackedPlace = Pick<LocatedFile, 'path'> & { readonly packing: Packing };

export class UnpackedFiles {
  private readonly opened: number[] = [];
  private worker: Worker | undefined;
  private outcome: Promise<StoredSnapshot | undefined> | undefined;
  private isClosed = false;

  /**
   * @param folder where the files are made; they are removed at once
   * @param sourceFd the first descriptor on which the process inherits the files; undefined: it cannot
   */
  constructor(
    private readonly stored: StoredSnapshot,
    private readonly folder: string,
    readonly sourceFd: number | undefined,
  ) {}

  /** Begins to unpack, if it is worth a thread. @throws ToolError when a file cannot be made */
  begin(): void {
    const places = [this.stored, ...(this.stored.ancestors ?? [])];
    const packed = places.filter((place): place is typeof place & PackedPlace => place.packing !== undefined);
    const bytes = packed.reduce((sum, { packing }) => sum + unpackedBytes(packing.index), 0);
    if (this.outcome !== undefined || bytes < MIN_BYTES) return;
    trace('restore', () => `unpacks ${bytes} bytes of ${packed.length} files on another thread`);
    const files = packed.map(({ path, packing }, i) => ({
      path,
      opened: heldPath(path),
      packing,
      ...this.makeFile(i),
    }));
    const unpacked = places.map((place) => {
      const file = files.find(({ packing }) => packing === place.packing);
      return file === undefined ? place : { ...place, path: `/proc/self/fd/${file.source}`, packing: undefined };
    });
    const [own, ...ancestors] = unpacked as [StoredSnapshot, ...LocatedFile[]];
    this.outcome = this.run({ files }).then((isDone) =>
      isDone ? { ...own, ...(this.stored.ancestors === undefined ? {} : { ancestors }) } : undefined,
    );
    this.outcome.catch(() => {}); // until finish()
  }

  /**
   * Waits until all is unpacked.
   *
   * @returns the snapshot in its unpacked files; undefined when nothing was begun, or no thread could be had
   * @throws InputError and LimitError for a damaged file, ToolError
   */
  async finish(): Promise<StoredSnapshot | undefined> {
    return this.outcome;
  }

  /** Descriptors of the files that the process inherits, in their order; none when nothing was unpacked. The caller's. */
  async sources(): Promise<number[]> {
    const unpacked = this.sourceFd === undefined ? undefined : await this.finish();
    if (unpacked === undefined) return [];
    return [unpacked, ...(unpacked.ancestors ?? [])].map(({ path }) => openSync(path, 'r'));
  }

  /** The thread and the descriptors end soon. May be called twice. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { worker } = this;
    // the thread may be writing: until it is gone the descriptors' numbers must not become those of other files
    if (worker === undefined) this.closeFiles();
    else void worker.terminate().then(() => this.closeFiles());
  }

  private closeFiles(): void {
    for (const fd of this.opened.splice(0)) closeSync(fd);
  }

  private makeFile(index: number): { readonly source: number; readonly target: number } {
    const path = join(this.folder, `unpacked-${index}`);
    try {
      const target = openSync(path, 'wx', 0o600);
      this.opened.push(target);
      const source = openSync(path, 'r');
      this.opened.push(source);
      rmSync(path);
      return { source, target };
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  /** @returns false when the thread could not start, or died */
  private async run(request: UnpackRequest): Promise<boolean> {
    const failed = (reason: unknown) => {
      trace('restore', () => `the thread that unpacks has ended: ${reason}`);
      return false;
    };
    let worker: Worker;
    try {
      worker = new Worker(threadUrl('src/api/unpack-thread'), { workerData: request, execArgv: [] });
    } catch (error) {
      return failed(error); // a limit of threads, or a host that allows none
    }
    this.worker = worker;
    const message = await new Promise<UnpackMessage | undefined>((resolve) => {
      worker.once('message', resolve);
      worker.once('error', (error) => resolve(void failed(error)));
      worker.once('exit', () => resolve(undefined));
    });
    if (message === undefined) return false;
    if ('isDone' in message) return true;
    throw new ThreadError(message);
  }
}
