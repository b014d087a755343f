/**
 * WASI 0.2 for a component in V8, as jco's code calls it: values as JavaScript has them, errors thrown. It knows what
 * random-component.ts does, with real files.
 */

import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** The most bytes that one call reads, and that check-write permits; those that a blocking write takes. */
const [CHUNK, BLOCKING_MOST] = [65536, 4096];

/** What ends the program. */
export class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

/** What a program is started with. */
export interface Start {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input: Uint8Array;
  /** Of the host; the program has it as its only one, as `.`. */
  readonly folder: string;
}

interface Source {
  /** Undefined at the end. */
  read(length: number): Uint8Array | undefined;
}

type Sink = (bytes: Uint8Array) => void;

class StreamError {}
class Pollable {
  ready() {
    return true;
  }
  block() {}
}

const closed = { tag: 'closed' };
const failed = () => ({ tag: 'last-operation-failed', val: new StreamError() });

class InputStream {
  private isClosed = false;

  constructor(private readonly source: Source) {}

  read(length: bigint): Uint8Array {
    if (this.isClosed) throw closed;
    if (length === 0n) return new Uint8Array();
    const bytes = this.source.read(length > CHUNK ? CHUNK : Number(length));
    if (bytes === undefined) throw closed;
    return bytes;
  }

  blockingRead(length: bigint) {
    return this.read(length);
  }

  skip(length: bigint) {
    return BigInt(this.read(length).length);
  }

  blockingSkip(length: bigint) {
    return this.skip(length);
  }

  subscribe() {
    return new Pollable();
  }
}

class OutputStream {
  private isClosed = false;
  private permit = 0n;

  constructor(private readonly sink: Sink) {}

  checkWrite() {
    if (this.isClosed) throw closed;
    this.permit = BigInt(CHUNK);
    return this.permit;
  }

  write(bytes: Uint8Array) {
    this.use(BigInt(bytes.length));
    this.put(bytes);
  }

  blockingWriteAndFlush(bytes: Uint8Array) {
    if (bytes.length > BLOCKING_MOST) throw new Error('too much for a blocking write');
    this.put(bytes);
  }

  flush() {
    this.put(new Uint8Array());
  }

  blockingFlush() {
    this.flush();
  }

  writeZeroes(length: bigint) {
    this.use(length);
    this.put(new Uint8Array(Number(length)));
  }

  blockingWriteZeroesAndFlush(length: bigint) {
    this.put(new Uint8Array(Number(length)));
  }

  splice(from: InputStream, length: bigint) {
    this.flush();
    const bytes = from.read(length);
    this.put(bytes);
    return BigInt(bytes.length);
  }

  blockingSplice(from: InputStream, length: bigint) {
    return this.splice(from, length);
  }

  subscribe() {
    return new Pollable();
  }

  private use(length: bigint) {
    if (this.isClosed) return;
    if (length > this.permit) throw new Error('more than was permitted');
    this.permit -= length;
  }

  private put(bytes: Uint8Array) {
    if (this.isClosed) throw closed;
    if (bytes.length === 0) return;
    try {
      this.sink(bytes);
    } catch {
      this.isClosed = true;
      throw failed();
    }
  }
}

/** The error code of wasi:filesystem for what the system says. */
const CODES: Readonly<Record<string, string>> = {
  ENOENT: 'no-entry',
  ENOTDIR: 'not-directory',
  EISDIR: 'is-directory',
  EEXIST: 'exist',
  ELOOP: 'loop',
  EBADF: 'bad-descriptor',
  EINVAL: 'invalid',
};

function attempt<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    const code = CODES[(error as NodeJS.ErrnoException).code ?? ''];
    throw code ?? error;
  }
}

interface OpenFlags {
  readonly create: boolean;
  readonly directory: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
}

class Descriptor {
  constructor(
    private readonly fd: number,
    private readonly isWritable: boolean,
    private readonly path: string,
    private readonly files: number[],
  ) {}

  openAt(lookup: { symlinkFollow?: boolean }, path: string, open: OpenFlags, flags: { write?: boolean }) {
    const isWritable = flags.write === true;
    const { O_CREAT, O_DIRECTORY, O_EXCL, O_TRUNC, O_NOFOLLOW, O_RDWR, O_RDONLY } = constants;
    const all =
      (open.create ? O_CREAT : 0) |
      (open.directory ? O_DIRECTORY : 0) |
      (open.exclusive ? O_EXCL : 0) |
      (open.truncate ? O_TRUNC : 0) |
      (lookup.symlinkFollow ? 0 : O_NOFOLLOW) |
      (isWritable ? O_RDWR : O_RDONLY);
    const fd = attempt(() => openSync(this.below(path), all, 0o666));
    this.files.push(fd);
    return new Descriptor(fd, isWritable, join(this.path, path), this.files);
  }

  readViaStream(offset: bigint) {
    this.checkFile();
    let at = Number(offset);
    const read = (length: number) => {
      const bytes = this.pread(length, at);
      at += bytes.length;
      return bytes.length === 0 ? undefined : bytes;
    };
    return new InputStream({ read });
  }

  writeViaStream(offset: bigint) {
    this.checkFile();
    let at = Number(offset);
    return new OutputStream((bytes) => {
      writeSync(this.fd, bytes, 0, bytes.length, at);
      at += bytes.length;
    });
  }

  appendViaStream() {
    this.checkFile();
    return new OutputStream((bytes) => {
      writeSync(this.fd, bytes, 0, bytes.length, fstatSync(this.fd).size);
    });
  }

  read(length: bigint, offset: bigint) {
    if (fstatSync(this.fd).isDirectory()) throw 'bad-descriptor';
    const bytes = attempt(() => this.pread(length > CHUNK ? CHUNK : Number(length), Number(offset)));
    return [bytes, bytes.length === 0 && length > 0n];
  }

  write(bytes: Uint8Array, offset: bigint) {
    if (!this.isWritable) throw 'bad-descriptor';
    return BigInt(attempt(() => writeSync(this.fd, bytes, 0, bytes.length, Number(offset))));
  }

  setSize(size: bigint) {
    if (!this.isWritable) throw 'bad-descriptor';
    attempt(() => ftruncateSync(this.fd, Number(size)));
  }

  getType() {
    return typeOf(fstatSync(this.fd));
  }

  stat() {
    return statOf(fstatSync(this.fd));
  }

  statAt({ symlinkFollow }: { symlinkFollow?: boolean }, path: string) {
    const below = this.below(path);
    return statOf(attempt(() => (symlinkFollow ? statSync(below) : lstatSync(below))));
  }

  private below(path: string): string {
    if (path === '') throw 'no-entry';
    if (!fstatSync(this.fd).isDirectory()) throw 'not-directory';
    return join(this.path, path);
  }

  private checkFile() {
    if (fstatSync(this.fd).isDirectory()) throw 'is-directory';
  }

  private pread(length: number, at: number): Uint8Array {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(this.fd, bytes, 0, length, at));
  }
}

function typeOf(stats: Stats): string {
  return stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symbolic-link' : 'regular-file';
}

function statOf(stats: Stats) {
  const time = { seconds: 0n, nanoseconds: 0 };
  return {
    type: typeOf(stats),
    linkCount: BigInt(stats.nlink),
    size: BigInt(stats.size),
    dataAccessTimestamp: time,
    dataModificationTimestamp: time,
    statusChangeTimestamp: time,
  };
}

/** The program's imports, by interface, and what it has written. */
export class WasiModel {
  readonly imports: Readonly<Record<string, unknown>>;
  private readonly written: readonly [Uint8Array[], Uint8Array[]] = [[], []];
  private readonly files: number[] = [];

  constructor({ args, env, input, folder }: Start) {
    let read = 0;
    const stdin: Source = {
      read: (length) => {
        if (read >= input.length) return undefined;
        const bytes = input.slice(read, read + length);
        read += bytes.length;
        return bytes;
      },
    };
    const output = (n: 0 | 1) => () => new OutputStream((bytes) => this.written[n].push(bytes.slice()));
    const directory = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    this.files.push(directory);
    this.imports = {
      'wasi:cli/environment': {
        getEnvironment: () => Object.entries(env),
        getArguments: () => args,
        initialCwd: () => undefined,
      },
      'wasi:cli/exit': {
        exit: ({ tag }: { tag: string }) => {
          throw new Exit(tag === 'ok' ? 0 : 1);
        },
        exitWithCode: (code: number) => {
          throw new Exit(code);
        },
      },
      'wasi:cli/stdin': { getStdin: () => new InputStream(stdin) },
      'wasi:cli/stdout': { getStdout: output(0) },
      'wasi:cli/stderr': { getStderr: output(1) },
      'wasi:clocks/monotonic-clock': { subscribeDuration: () => new Pollable() },
      'wasi:io/error': { Error: StreamError },
      'wasi:io/poll': { Pollable, poll: (list: readonly Pollable[]) => Uint32Array.from(list.keys()) },
      'wasi:io/streams': { InputStream, OutputStream },
      'wasi:filesystem/types': { Descriptor },
      'wasi:filesystem/preopens': {
        getDirectories: () => [[new Descriptor(directory, false, folder, this.files), '.']],
      },
    };
  }

  get stdout(): Buffer {
    return Buffer.concat(this.written[0]);
  }

  get stderr(): Buffer {
    return Buffer.concat(this.written[1]);
  }

  close(): void {
    for (const fd of this.files) closeSync(fd);
  }
}
