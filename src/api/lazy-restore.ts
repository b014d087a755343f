/**
 * A snapshot whose pages are read while its program runs: this process brings them, what the program waits for first,
 * and has to stay until it has all of them.
 */

import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { WagSnapError } from '../base/errors.js';
import { withoutTemporaries } from '../base/temporary-names.js';
import { trace } from '../base/trace.js';
import { LAZY_UNIT } from '../image/contract/lazy-pages.js';
import { LazyLayout } from '../restore/lazy-layout.js';
import { LazyPages } from '../restore/lazy-pages.js';
import { ChainFiles } from '../snapshot/chain-files.js';
import { PageFile } from '../snapshot/page-file.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';

/** The process's socket, and the list of what has come, after the file that its memory is mapped from. */
const SOCKET = 4;

export class LazyRestore {
  /** The snapshot's files. */
  readonly files: ChainFiles;
  /** Takes the snapshot's pages, without reading them. */
  readonly layout: LazyLayout;
  private readonly source: number;
  private readonly writable: number;
  private pages: LazyPages | undefined;
  private isOver = false;
  private isClosed = false;

  /**
   * @param folder for two files, which are removed at once
   * @param onLost told why the program will not get all of its pages
   */
  constructor(
    private readonly stored: StoredSnapshot,
    private readonly folder: string,
    private readonly onLost: (why: string) => void = () => {},
  ) {
    this.files = new ChainFiles(stored);
    this.files.openAll(); // they are read long after somebody may have removed them
    const path = join(folder, 'pages');
    this.writable = openSync(path, 'wx+', 0o600);
    this.source = openSync(path, 'r');
    rmSync(path);
    this.layout = new LazyLayout(new PageFile(this.writable, 0, stored.path));
  }

  /** To be called when the layout is complete. @returns descriptors from 3 on, and the environment of the process */
  prepared(): { descriptors: readonly (number | 'pipe')[]; env: Readonly<Record<string, string>> } {
    const path = join(this.folder, 'list');
    this.pages = new LazyPages(
      path,
      `${withoutTemporaries(this.stored.path)} (read by pid ${process.pid})`,
      this.layout.missing,
    );
    rmSync(path);
    return { descriptors: [this.source, 'pipe', this.pages.fd], env: { WAGSNAP_LAZY: `${SOCKET}` } };
  }

  /** The process has been started: brings its pages until it has all of them, or has ended. */
  start(child: ChildProcess): void {
    const { pages } = this;
    if (pages === undefined) return;
    const urgent: number[] = [];
    pages.serve(child.stdio[SOCKET] as Duplex);
    pages.onWanted((unit) => urgent.push(unit));
    child.once('exit', () => {
      this.isOver = true;
    });
    void this.bringAll(pages, urgent, child).finally(() => this.close());
  }

  /** Closes everything. May be called twice. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isOver = true;
    this.pages?.close();
    this.files.close();
    this.stored.absent?.close();
    closeSync(this.source);
    closeSync(this.writable);
  }

  private async bringAll(pages: LazyPages, urgent: number[], child: ChildProcess): Promise<void> {
    const order = [...this.layout.order];
    const buffer = Buffer.alloc(LAZY_UNIT);
    try {
      for (let next = 0; pages.left > 0 && !this.isOver; ) {
        const unit = urgent.shift() ?? order[next++];
        if (pages.isThere(unit)) continue;
        buffer.fill(0);
        await this.layout.read(unit, buffer);
        for (let at = 0; at < buffer.length; ) {
          at += writeSync(this.writable, buffer, at, buffer.length - at, unit * LAZY_UNIT + at);
        }
        pages.arrived(unit, 1);
        await new Promise((resolve) => setImmediate(resolve)); // lets questions and signals in
      }
      if (this.isOver) return;
      trace('restore', () => `pid ${child.pid} has all of its memory`);
      child.kill('SIGURG'); // TRACK_SIGNAL: it looks at the list
    } catch (error) {
      this.onLost(
        withoutTemporaries(error instanceof WagSnapError ? error.headline : String((error as Error).message)),
      );
    }
  }
}
