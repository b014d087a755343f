/**
 * Starts a module that is not in the cache before it is compiled, and compiles what it calls while it runs
 * (ARCHITECTURE.md, "Growing images"). Then the ordinary image is made for the cache: by another thread (compile-apart.ts),
 * or by this one when the program has ended.
 *
 * The process inherits two descriptors, of the growing image's file and of a socket that leads here.
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { BugError, ToolError, writeFailure } from '../base/errors.js';
import { writeAt } from '../base/output.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { trace } from '../base/trace.js';
import type { EarlyPieces } from '../compile/link/early-pieces.js';
import { GrowingImage } from '../compile/link/growing-image.js';
import type { ImageCache } from '../image/cache.js';
import { REQUEST_ALL, REQUEST_TABLES } from '../image/contract/growing-text.js';
import type { ImageRequest } from '../image/image-source.js';
import type { Module } from '../wasm/module.js';
import { obtainMeanwhile } from './cached-image.js';
import { compileAttempts, compileRequestOf } from './compile-request.js';

/** Descriptor numbers in the process. */
const FILE = 3;
const CHANNEL = 4;
/** Milliseconds of compiling between two looks at what the process asks for. */
const SLICE = 2;
/** Without a request for so many milliseconds, the program is busy with what it has: then the thread starts. */
const QUIET = 50;
/** When it starts all the same. */
const THREAD_AFTER = 3000;
const EXECUTABLE = 0o700;
const DONE = Uint8Array.of(1);

export class GrowingProgram {
  /** Path of the program to start. */
  readonly path: string;
  /** What the process inherits as FILE. It inherits a pipe to us after it. */
  readonly descriptor: number;
  private readonly folder: string;
  private readonly file: number;
  private isOpen = true;
  private readonly image: GrowingImage;
  private child: ChildProcess | undefined;
  private failure: unknown;
  /** Why nothing can be added to the file any more. */
  private stuck: unknown;
  private received: Buffer = Buffer.alloc(0);
  private hasPageSize = false;
  private isWanted = false; // all functions and the tables
  private isComplete = false;
  private isGuessing = false;
  private requests = 0;
  private thread: Promise<void> | undefined;
  private readonly stopped = new AbortController();

  /** @param cache is closed when it is not needed any more. @throws ModuleError when it cannot be linked, LimitError, ToolError */
  constructor(
    private readonly request: ImageRequest,
    private readonly module: { readonly module: Module; readonly file: string },
    private readonly cache: ImageCache,
    /** For the image: what was compiled while the module was read. */
    private readonly early: EarlyPieces | undefined,
  ) {
    const { target, deterministic, allowMissingImports } = request;
    this.folder = makeTemporaryFolder(cache.isUsable() ? cache.folder : undefined);
    const opened: number[] = [];
    try {
      const path = `${this.folder}/image`;
      const file = openSync(path, 'wx', EXECUTABLE);
      const write = (bytes: Uint8Array, offset: number) => {
        try {
          writeAt(file, bytes, offset);
        } catch (error) {
          throw writeFailure(path, error);
        }
      };
      this.file = file;
      opened.push(file);
      const options = { target, deterministic, allowMissingImports: allowMissingImports === true };
      this.image = new GrowingImage(module, options, FILE, write);
      this.image.begin();
      this.path = `${this.folder}/program`;
      writeFileSync(this.path, this.image.starter(), { mode: EXECUTABLE });
      this.descriptor = openSync(path, 'r');
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      cache.close();
      removeTemporary(this.folder);
      throw error;
    }
  }

  /**
   * Removes the names of the files. To be called when the process runs, or an emulated one has ended, or nothing was
   * started. May be called twice.
   */
  release(): void {
    removeTemporary(this.folder);
    if (this.child !== undefined || !this.isOpen) return;
    closeSync(this.descriptor);
    this.close();
    this.cache.close();
  }

  private close(): void {
    if (this.isOpen) closeSync(this.file);
    this.isOpen = false;
  }

  /** To be called when the process has been started. */
  start(child: ChildProcess): void {
    this.child = child;
    closeSync(this.descriptor);
    child.once('exit', () => this.close());
    const channel = child.stdio[CHANNEL] as Duplex;
    channel.on('error', () => {}); // the process has ended
    channel.on('data', (bytes: Buffer) => {
      try {
        this.receive(bytes, channel);
      } catch (error) {
        this.fail(error);
      }
    });
    this.thread = this.quiet(child)
      .then(() => this.makeImage())
      .catch((error: unknown) => this.failUnlessOurs(error))
      .then(() => this.want())
      .finally(() => this.cache.close());
  }

  /** Resolves when the program asks for nothing more, or has ended: until then both processors are its own and ours. */
  private async quiet(child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit');
    const end = performance.now() + THREAD_AFTER;
    while (performance.now() < end && !this.hasEnded) {
      const before = this.requests;
      await Promise.race([ended, sleep(QUIET)]);
      if (before > 0 && before === this.requests) return;
    }
  }

  private receive(bytes: Buffer, channel: Duplex): void {
    this.received = Buffer.concat([this.received, bytes]);
    for (; this.received.length >= 4; this.received = this.received.subarray(4)) {
      const word = this.received.readUInt32LE(0);
      if (!this.hasPageSize) this.takePageSize(word);
      else if (word === REQUEST_ALL) this.want();
      else {
        if (word === REQUEST_TABLES) this.completeIfPossible();
        else this.compile(word);
        answer(channel);
        this.guess();
      }
    }
  }

  private takePageSize(bytes: number): void {
    if (bytes < 4096 || bytes > 65536 || (bytes & (bytes - 1)) !== 0) throw new BugError(`pages of ${bytes} bytes`);
    this.hasPageSize = true;
    this.image.setPageSize(bytes);
  }

  private compile(defined: number): void {
    if (defined >= this.image.functionCount) throw new BugError(`the program asks for function ${defined}`);
    this.requests++;
    if (this.stuck !== undefined) throw this.stuck;
    if (!this.isComplete && this.isOpen) this.image.add(defined);
  }

  /** Compiles what is likely to be asked for soon. */
  private guess(): void {
    if (this.isGuessing) return;
    this.isGuessing = true;
    this.betweenRequests(
      () => this.image.addLikely(),
      () => {
        this.isGuessing = false;
      },
    );
  }

  /** Compiles all that is left. */
  private want(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    const addSome = () => {
      const end = performance.now() + SLICE;
      while (this.image.addNext()) if (performance.now() > end) return true;
      return false;
    };
    this.betweenRequests(addSome, () => this.complete());
  }

  /** @param addSome returns whether there may be more. @param done is called when there is no more */
  private betweenRequests(addSome: () => boolean, done: () => void): void {
    const slice = () => {
      if (this.isComplete || this.failure !== undefined || this.stuck !== undefined || !this.isOpen) return;
      try {
        if (addSome()) setImmediate(slice);
        else done();
      } catch (error) {
        if (error instanceof ToolError) this.stuck = error;
        this.failUnlessOurs(error);
      }
    };
    setImmediate(slice);
  }

  /** The program has what it needs so far: it runs on when only the disk fails. */
  private failUnlessOurs(error: unknown): void {
    if (error instanceof ToolError) trace('compile', () => `${this.module.file}: compiles no more: ${error.message}`);
    else this.fail(error);
  }

  private get hasEnded(): boolean {
    return this.child === undefined || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** For a process that has trapped: without tables it ends all the same, and says less. */
  private completeIfPossible(): void {
    try {
      if (this.stuck === undefined) this.complete();
    } catch (error) {
      this.failUnlessOurs(error);
    }
  }

  private complete(): void {
    if (this.isComplete || !this.isOpen) return;
    this.isComplete = true;
    this.image.complete();
    this.close();
    trace('compile', () => `${this.module.file}: ${this.requests} functions were compiled because they were called`);
  }

  private fail(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.child?.kill('SIGKILL');
    this.stop();
    this.failure = this.asCompiler() ?? error;
  }

  /** What the compiler says when it makes the image as usual: of several faults it finds the first. */
  private asCompiler(): unknown {
    try {
      compileAttempts(compileRequestOf(this.request));
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Gives up the image for the cache. */
  stop(): void {
    this.stopped.abort();
  }

  /**
   * Makes the image for the cache: when the program has ended, in this thread, in which V8 has optimized a part of the
   * compiler (a CPython that prints a line: 3.3 s in all, 4.2 s with another thread).
   *
   * @throws when it cannot be made: as the compiler does
   */
  private async makeImage(): Promise<void> {
    if (this.stopped.signal.aborted) return;
    const way = this.hasEnded ? 'with pauses' : 'apart';
    const image = await obtainMeanwhile(way, this.request, this.cache, this.stopped.signal, this.early);
    image.release();
  }

  /**
   * To be called when the process has ended.
   * @throws what is wrong with the module, when that was why it was ended
   */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** Resolves when the cache has the image. @throws what is wrong with the module */
  async finished(): Promise<void> {
    await this.thread;
    this.check();
  }
}

/** Directly, where that is possible: a stream of Node takes ten times as long. */
function answer(channel: Duplex): void {
  const { _handle: handle } = channel as { _handle?: { fd?: number } };
  try {
    if (handle?.fd !== undefined && handle.fd >= 0) writeSync(handle.fd, DONE);
    else channel.write(DONE);
  } catch {
    // The process has ended.
  }
}
