/**
 * A native process whose guest does what a test tells it: every function of preview 1 as a method, and its memory.
 *
 * The guest is one module that exports a wrapper of each import (src/runtime/wasi/functions.ts) and loads and stores;
 * it is run through the driver (src/runtime/process/driver.ts) on descriptors 3 and 4, so standard streams are the
 * test's. Needs dist/runtime/host.wasm.
 */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { launch } from '../../src/api/launch.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { targets } from '../../src/arch/targets.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { WASI_FUNCTIONS, WASI_MODULE } from '../../src/runtime/wasi/functions.js';
import { readModule } from '../../src/wasm/wat.js';
import { nativeArch } from './native-arch.js';

/** Time for output that a process wrote just before its end, in milliseconds. */
const GRACE = 1000;
const PAGES = 4;
export const MEMORY_SIZE = PAGES * 65536;

const INSTANTIATE = 1;
const INVOKE = 2;
const GUEST = 1; // instance

function guestText(): string {
  const type = (letter: string) => (letter === 'I' ? 'i64' : 'i32');
  const imports: string[] = [];
  const wrappers: string[] = [];
  for (const [name, { params }] of Object.entries(WASI_FUNCTIONS)) {
    const list = params ? `(param ${[...params].map(type).join(' ')})` : '';
    const result = name === 'proc_exit' ? '' : '(result i32)';
    const values = [...params].map((_, i) => `(local.get ${i})`).join(' ');
    imports.push(`(import "${WASI_MODULE}" "${name}" (func $${name} ${list} ${result}))`);
    wrappers.push(`(func (export "${name}") ${list} ${result} (call $${name} ${values}))`);
  }
  return `(module ${imports.join('\n')} (memory (export "memory") ${PAGES}) ${wrappers.join('\n')}
    (func (export "load") (param i32) (result i64) (i64.load (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))`;
}

// places in the guest's memory
export const OUT = 0;
export const IOVEC = 256;
export const PATH = 1024;
export const PATH_2 = 8192;
export const DATA = 16384;

export const FD_READ = 1n << 1n;
export const FD_WRITE = 1n << 6n;
export const CREAT = 1;
export const DIRECTORY = 2;
export const EXCL = 4;
export const TRUNC = 8;

/** WASI errno by name, those that tests look for. */
export const E = {
  ACCES: 2,
  AGAIN: 6,
  BADF: 8,
  CONNRESET: 15,
  EXIST: 20,
  FAULT: 21,
  INVAL: 28,
  IO: 29,
  ISDIR: 31,
  LOOP: 32,
  NAMETOOLONG: 37,
  NOENT: 44,
  NOTCONN: 53,
  NOTDIR: 54,
  NOTEMPTY: 55,
  NOTSOCK: 57,
  NOTSUP: 58,
  PERM: 63,
  PIPE: 64,
  ROFS: 69,
  SPIPE: 70,
  NOTCAPABLE: 76,
} as const;

export interface OpenOptions {
  readonly oflags?: number;
  readonly rights?: bigint;
  readonly fdflags?: number;
  /** 1 follows links. */
  readonly lookup?: number;
}

const arch = (process.env['WAGSNAP_ARCH'] ?? nativeArch) as ArchName;

interface BuiltGuest {
  readonly file: string;
  readonly records: ReadonlyMap<string, number>;
  remove(): void;
}
let built: Promise<BuiltGuest> | undefined;

async function build(): Promise<BuiltGuest> {
  const module = await readModule(new TextEncoder().encode(guestText()), 'wasi-guest.wat');
  const image = compileImage([{ module, file: 'wasi-guest.wat' }], { target: targets[arch] });
  const folder = mkdtempSync(join(tmpdir(), 'wagsnap-wasi-'));
  const file = join(folder, 'guest');
  writeImage(image, file);
  const records = new Map<string, number>();
  for (const name of [...Object.keys(WASI_FUNCTIONS), 'load', 'store']) {
    records.set(name, image.functionRecord(GUEST, name)!);
  }
  return { file, records, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Deletes the guest's image: for afterAll. */
export async function removeGuest(): Promise<void> {
  (await built)?.remove();
  built = undefined;
}

export interface GuestOptions {
  /** Lines of WAGSNAP_DIR. */
  readonly dirs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** Standard streams, 'pipe' each by default. */
  readonly stdio?: readonly ('pipe' | 'ignore' | number)[];
  /** Started through a shell, with these redirections. */
  readonly redirect?: string;
  /** Gets standard error also of a process that ends at once. */
  readonly onStderr?: (text: string) => void;
}

/** The process has ended while an answer was awaited. */
export class Ended extends Error {
  constructor(
    readonly code: number | null,
    readonly signal: NodeJS.Signals | null,
    asked: string,
    stderr: string,
  ) {
    super(`the guest has ended (${signal ?? code}) in ${asked}: ${stderr}`);
  }
}

/** A function has trapped, or met a fatal signal: there is no result. */
export class Trapped extends Error {
  constructor(
    readonly kind: number,
    asked: string,
    stderr: string,
  ) {
    super(`${asked} has trapped (${kind}): ${stderr}`);
  }
}

export class Guest {
  private readonly commands: Writable;
  private readonly replies: Readable;
  private received = Buffer.alloc(0);
  /** When the last reply has been read. */
  private turn: Promise<unknown> = Promise.resolve();
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>;
  stderr = '';
  stdout = '';

  private constructor(
    readonly process: ChildProcess,
    private readonly image: BuiltGuest,
  ) {
    const streams = process.stdio as unknown as [unknown, unknown, unknown, Writable, Readable];
    this.commands = streams[3];
    this.replies = streams[4];
    this.commands.on('error', () => {}); // the process has ended: the missing reply says so
    this.replies.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    process.stdout?.on('data', (bytes) => {
      this.stdout += bytes;
    });
    process.stderr?.on('data', (bytes) => {
      this.stderr += bytes;
    });
    this.ended = once(process, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  }

  static async start(options: GuestOptions = {}): Promise<Guest> {
    const image = await (built ??= build());
    const stdio = [...(options.stdio ?? ['pipe', 'pipe', 'pipe']), 'pipe', 'pipe'] as StdioOptions;
    const { program, args, argv0 } = launch(image.file, 'program');
    const shell = ['-c', `exec "$0" "$@" ${options.redirect}`, program];
    const direct = options.redirect === undefined;
    const [file, first] = direct ? [program, []] : ['/bin/sh', shell];
    const child = spawn(file, [...first, ...args, ...(options.args ?? [])], {
      stdio,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(direct ? { argv0 } : {}), // a shell of many names goes by it
      env: { WAGSNAP_DRIVER: '3', WAGSNAP_DIR: (options.dirs ?? []).join('\n'), ...options.env },
    });
    const guest = new Guest(child, image);
    child.stderr?.on('data', (bytes) => options.onStderr?.(String(bytes)));
    guest.commands.write(Buffer.of(INSTANTIATE, GUEST, 0, 0, 0));
    const [kind] = await guest.reply(1, 'its start');
    if (kind !== 0) throw await guest.trapped(kind, 'its start');
    return guest;
  }

  async stop(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  /** Calls a function of preview 1 and returns its errno. */
  async call(name: string, ...args: (number | bigint)[]): Promise<number> {
    return Number(await this.invoke(name, args, name === 'proc_exit' ? 0 : 1));
  }

  /** Writes text or bytes to the guest's memory. Returns their length. */
  async poke(pointer: number, data: string | Uint8Array): Promise<number> {
    const bytes = Buffer.from(data as string);
    await Promise.all(Array.from(bytes, (byte, i) => this.ask('store', [pointer + i, byte], 0)));
    return bytes.length;
  }

  async poke32(pointer: number, ...values: number[]): Promise<void> {
    await this.poke(pointer, Buffer.from(Uint32Array.from(values).buffer));
  }

  async poke64(pointer: number, ...values: bigint[]): Promise<void> {
    await this.poke(pointer, Buffer.from(BigUint64Array.from(values).buffer));
  }

  async peek(pointer: number, length: number): Promise<Buffer> {
    const words = Array.from({ length: Math.ceil(length / 8) }, (_, i) => this.ask('load', [pointer + i * 8], 1));
    return Buffer.concat(await Promise.all(words)).subarray(0, length);
  }

  async peek32(pointer: number): Promise<number> {
    return (await this.peek(pointer, 4)).readUInt32LE();
  }

  async peek64(pointer: number): Promise<bigint> {
    return (await this.peek(pointer, 8)).readBigUInt64LE();
  }

  // -- shapes that most tests need; places in the guest's memory are these methods' own

  /** path_open for reading, following links. Returns the new descriptor, or -errno. */
  async open(directory: number, path: string, options: OpenOptions = {}): Promise<number> {
    const length = await this.poke(PATH, path);
    const { oflags = 0, rights = FD_READ, fdflags = 0, lookup = 1 } = options;
    const error = await this.call('path_open', directory, lookup, PATH, length, oflags, rights, 0n, fdflags, OUT);
    return error ? -error : await this.peek32(OUT);
  }

  /** A function whose first arguments are a descriptor and a path. */
  async path(name: string, directory: number, path: string, ...rest: (number | bigint)[]): Promise<number> {
    return this.call(name, directory, PATH, await this.poke(PATH, path), ...rest);
  }

  async rename(from: number, path: string, to: number, newPath: string): Promise<number> {
    const length = await this.poke(PATH, path);
    const newLength = await this.poke(PATH_2, newPath);
    return this.call('path_rename', from, PATH, length, to, PATH_2, newLength);
  }

  /** fd_write, or fd_pwrite at an offset. Returns the count, or -errno. */
  async write(fd: number, data: string, offset?: bigint): Promise<number> {
    await this.poke32(IOVEC, DATA, await this.poke(DATA, data));
    const at = offset === undefined ? [] : [offset];
    const error = await this.call(offset === undefined ? 'fd_write' : 'fd_pwrite', fd, IOVEC, 1, ...at, OUT);
    return error ? -error : await this.peek32(OUT);
  }

  /** fd_read, or fd_pread at an offset. Returns the text, or -errno. */
  async read(fd: number, length: number, offset?: bigint): Promise<string | number> {
    await this.poke32(IOVEC, DATA, length);
    const at = offset === undefined ? [] : [offset];
    const error = await this.call(offset === undefined ? 'fd_read' : 'fd_pread', fd, IOVEC, 1, ...at, OUT);
    return error ? -error : (await this.peek(DATA, await this.peek32(OUT))).toString();
  }

  /** fd_seek. Returns the position, or minus the errno. */
  async seek(fd: number, offset: bigint, whence: number): Promise<bigint> {
    const error = await this.call('fd_seek', fd, offset, whence, OUT);
    return error ? BigInt(-error) : await this.peek64(OUT);
  }

  /** path_filestat_get's type and size, or -errno. */
  async stat(directory: number, path: string, lookup = 1): Promise<{ type: number; size: bigint } | number> {
    const length = await this.poke(PATH, path);
    const error = await this.call('path_filestat_get', directory, lookup, PATH, length, OUT);
    if (error) return -error;
    const stat = await this.peek(OUT, 64);
    return { type: stat[16], size: stat.readBigUInt64LE(32) };
  }

  async invoke(name: string, args: (number | bigint)[], results: number): Promise<bigint> {
    const values = await this.ask(name, args, results);
    return results ? values.readBigUInt64LE() : 0n;
  }

  /**
   * Awaits something else as long as the guest lives.
   *
   * @throws Ended
   */
  async during<T>(awaited: Promise<T>): Promise<T> {
    let isOver = false;
    const died = this.ended.then(async ([code, signal]): Promise<never> => {
      if (!isOver) await setTimeout(GRACE); // what it did last may still be on its way
      throw new Ended(code, signal, 'what it does for somebody else', this.stderr);
    });
    died.catch(() => {}); // nobody may be there any more
    try {
      return await Promise.race([awaited, died]);
    } finally {
      isOver = true;
    }
  }

  /** Calls a function: replies come in the order of the commands. @throws Trapped: then there are no values; Ended */
  private ask(name: string, args: readonly (number | bigint)[], results: number): Promise<Buffer> {
    const command = Buffer.alloc(13 + args.length * 8);
    command.writeUInt8(INVOKE, 0);
    command.writeUInt32LE(this.image.records.get(name)!, 1);
    command.writeUInt32LE(args.length, 5);
    args.forEach((value, i) => {
      command.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 9 + i * 8);
    });
    command.writeUInt32LE(results, 9 + args.length * 8);
    this.commands.write(command);
    const values = this.turn.then(() => this.values(name, results));
    this.turn = values.catch(() => {});
    return values;
  }

  private async values(name: string, results: number): Promise<Buffer> {
    const [kind] = await this.reply(1, name);
    if (kind !== 0) throw await this.trapped(kind, name);
    return this.reply(results * 8, name);
  }

  /** With what it has said about it, which comes another way. */
  private async trapped(kind: number, asked: string): Promise<Trapped> {
    const { stderr } = this.process;
    if (stderr && this.stderr === '') await Promise.race([setTimeout(GRACE), once(stderr, 'data')]);
    return new Trapped(kind, asked, this.stderr);
  }

  private async reply(bytes: number, asked: string): Promise<Buffer> {
    while (this.received.length < bytes) {
      const ended = this.ended.then(([code, signal]) => {
        if (this.received.length < bytes) throw new Ended(code, signal, asked, this.stderr);
      });
      await Promise.race([once(this.replies, 'data'), ended]);
    }
    const reply = this.received.subarray(0, bytes);
    this.received = this.received.subarray(bytes);
    return reply;
  }
}
