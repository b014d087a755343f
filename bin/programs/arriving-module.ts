/**
 * A module that is read from a pipe, and compiled meanwhile: reading waits for the other side, and the processor would
 * do nothing. What is there soon, as from a file, is read first: then the cache may have the image. While bytes come, they
 * are only read.
 */

import { read } from 'node:fs';
import { setImmediate as eventsIn, setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ArrivedModule, EarlyCompilation, EarlyRequest } from '../../src/api/early-compilation.js';
import { trace } from '../../src/base/trace.js';
import { CHUNK, checkLength, type FirstBytes, isAtEnd, RETRY } from './pipe.js';

/** Milliseconds of reading after which the compiler is loaded. */
const PATIENCE = 50;
/** For so many milliseconds nothing has arrived: then the other side is waited for. */
const STILL = 2;
/** Milliseconds of compiling between two looks at what has arrived: a pipe's 64 KiB are full soon. */
const SLICE = 1;

/**
 * @param first has been read already
 * @param early how it will be compiled; undefined: it is only read
 * @throws LimitError when it is endless, and what the system says
 */
export async function readArriving(
  name: string,
  fd: number,
  first: FirstBytes,
  early: EarlyRequest | undefined,
): Promise<ArrivedModule> {
  const module = new ArrivingBytes(name, fd, first);
  const reading = module.readAll();
  const compiling = early && compileMeanwhile(module, reading, early);
  await reading;
  return { bytes: module.bytes.slice(), early: await compiling };
}

class ArrivingBytes {
  isComplete: boolean;
  private buffer: Buffer<ArrayBuffer>;
  private length: number;
  /** When the last bytes arrived. */
  private last = performance.now();
  private tell: () => void = () => {};

  constructor(
    readonly name: string,
    private readonly fd: number,
    { bytes, isAll }: FirstBytes,
  ) {
    this.buffer = Buffer.concat([bytes, Buffer.alloc(CHUNK)]);
    this.length = bytes.length;
    this.isComplete = isAll;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer.buffer, this.buffer.byteOffset, this.length);
  }

  async readAll(): Promise<void> {
    try {
      for (checkLength(this.name, this.length); !this.isComplete; this.tell()) {
        const got = await this.readSome();
        this.length += got;
        this.last = performance.now();
        checkLength(this.name, this.length);
        this.isComplete = got === 0;
      }
    } finally {
      this.isComplete = true;
      this.tell();
    }
  }

  private async readSome(): Promise<number> {
    if (this.buffer.length - this.length < CHUNK) {
      this.buffer = Buffer.concat([this.buffer.subarray(0, this.length), Buffer.alloc(this.length + CHUNK)]);
    }
    for (;;) {
      try {
        const { bytesRead } = await promisify(read)(this.fd, this.buffer, this.length, CHUNK, null);
        return bytesRead;
      } catch (error) {
        if (isAtEnd(error)) return 0;
        await sleep(RETRY);
      }
    }
  }

  /** Whether the other side is waited for. */
  get isStill(): boolean {
    return performance.now() - this.last >= STILL;
  }

  /** Resolves when there are more bytes than before, or all. */
  more(): Promise<void> {
    return new Promise((resolve) => {
      this.tell = resolve;
      if (this.isComplete) resolve();
    });
  }
}

/** Whatever goes wrong is told when the module is compiled as usual. */
async function compileMeanwhile(
  module: ArrivingBytes,
  reading: Promise<void>,
  request: EarlyRequest,
): Promise<ArrivedModule['early']> {
  try {
    await Promise.race([reading, sleep(PATIENCE, undefined, { ref: false })]);
    let early: EarlyCompilation | undefined;
    while (!module.isComplete) {
      if (!module.isStill) {
        await sleep(STILL);
        continue;
      }
      early ??= new (await import('../../src/api/early-compilation.js')).EarlyCompilation(module.name, request);
      early.arrive(module.bytes);
      if (early.compile(SLICE)) await eventsIn();
      else await module.more();
    }
    return early?.take();
  } catch (error) {
    trace('compile', () => `${module.name}: is not compiled early: ${(error as Error).message}`);
    return undefined;
  }
}
