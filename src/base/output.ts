/**
 * Where a command's output goes: the one place that decides what the user's output path means.
 *
 *     a regular file, or nothing      replaced at once by a rename, when all is written
 *     a symbolic link                 followed: what it points to is replaced, or made
 *     - or /dev/stdout, a FIFO,       written through, after the output is complete in a temporary file:
 *     a character device              formats fill in their headers last
 *     a folder, a socket, a disk      refused before any work
 *     an input of the same command    refused by device and inode, as the input would be lost
 */

import {
  closeSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { ExitCode, systemReason, ToolError, WagSnapError, writeFailure } from './errors.js';
import { makeTemporaryFolder, removeTemporary, temporaryPath } from './temporary.js';

/** How many symbolic links one path may lead through, as in the kernel (path_resolution(7)). */
const MAX_LINKS = 40;
const CHUNK = 1 << 20;
/** Other names of this process's descriptors. Opening such a path would truncate a file that is being appended to. */
const OWN_DESCRIPTOR = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/;
const STANDARD: Readonly<Record<string, number>> = { '-': 1, '/dev/stdout': 1, '/dev/stderr': 2 };

/** A checked output path. */
export interface Destination {
  /** As the user gave it. */
  readonly path: string;
  /** The file to replace or make. Undefined: what is written goes to `sink`. */
  readonly file?: string;
  /** An open descriptor that takes bytes one after the other. */
  readonly sink?: number;
}

/** A file identified by device and inode, whatever path leads to it. */
export interface FileIdentity {
  /** For messages. */
  readonly name: string;
  /** Device and inode; undefined for what is not there. */
  readonly dev: number | undefined;
  readonly ino: number | undefined;
}

/** What a command reads: a path, or a file that is open. */
export type Input = string | FileIdentity;

/** An output that would destroy an input of the same command. */
export class OutputError extends WagSnapError {
  readonly exitCode = ExitCode.usage;
  constructor(path: string, why: string) {
    super('output', `${path}: cannot be written: ${why}`);
  }
}

/** Whether a path means the tool's standard output. The command's other results then go elsewhere. */
export function isStandardOutput(path: string): boolean {
  return STANDARD[path] === 1 || OWN_DESCRIPTOR.exec(path)?.[1] === '1';
}

/**
 * Checks an output path before any work. Waits for a reader if it is a FIFO.
 *
 * @param inputs what the command reads
 * @throws ToolError 'write', OutputError
 */
export function openDestination(path: string, inputs: readonly Input[] = []): Destination {
  if (path === '') throw refused('the output', 'it has no name');
  const own = STANDARD[path] ?? OWN_DESCRIPTOR.exec(path)?.[1];
  if (own !== undefined) return ownDescriptor(path, Number(own), inputs);
  const stat = statOf(path);
  if (stat === undefined) return { path, file: followLinks(path) };
  if (stat.isDirectory()) throw refused(path, 'it is a folder');
  if (stat.isSocket()) throw refused(path, 'it is a socket');
  if (stat.isBlockDevice()) throw refused(path, 'it is a disk');
  refuseInputs(path, stat, inputs);
  try {
    if (stat.isFile()) return { path, file: realpathSync(path) };
    return { path, sink: openSync(path, 'w') };
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/**
 * Refuses two outputs of one command that are the same file, whatever links lead to it: the later one would replace the
 * earlier. A device takes both.
 *
 * @throws OutputError, ToolError 'write'
 */
export function refuseSameOutput(path: string, other: string): void {
  const [mine, its] = [outputStat(path), outputStat(other)];
  const isSame =
    mine === undefined || its === undefined
      ? mine === its && followLinks(path) === followLinks(other)
      : mine.dev === its.dev && mine.ino === its.ino && !mine.isCharacterDevice();
  if (isSame) throw new OutputError(path, `it is the same file as ${other}, which is written as well`);
}

/**
 * Refuses an output that is also an input. For inputs that become known after the output was opened.
 *
 * @throws OutputError, ToolError 'write'
 */
export function refuseInput(path: string, inputs: readonly Input[] = []): void {
  const stat = outputStat(path);
  if (stat !== undefined) refuseInputs(path, stat, inputs);
}

/** The identity of a destination's file or device; undefined when there is none yet. */
function outputStat(path: string): Stats | undefined {
  const own = STANDARD[path] ?? OWN_DESCRIPTOR.exec(path)?.[1];
  try {
    return own === undefined ? statOf(path) : fstatSync(Number(own));
  } catch (error) {
    if (error instanceof WagSnapError) throw error;
    throw writeFailure(path, error);
  }
}

function ownDescriptor(path: string, fd: number, inputs: readonly Input[]): Destination {
  if (isatty(fd)) throw refused(path === '-' ? 'standard output' : path, 'it is a terminal: redirect it to a file');
  try {
    refuseInputs(path, fstatSync(fd), inputs);
  } catch (error) {
    if (error instanceof WagSnapError) throw error;
    throw writeFailure(path, error);
  }
  return { path, sink: fd };
}

/** The path that opening a dangling link would create. */
function followLinks(path: string): string {
  let at = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    let target: string;
    let parent: string;
    try {
      parent = realpathSync(dirname(at));
      at = join(parent, basename(at));
      if (!lstatSync(at).isSymbolicLink()) return at;
      target = readlinkSync(at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return at;
      throw writeFailure(path, error);
    }
    at = resolve(parent, target);
  }
  throw refused(path, 'it leads through too many symbolic links');
}

function refuseInputs(path: string, stat: Stats, inputs: readonly Input[]): void {
  if (!stat.isFile()) return;
  for (const input of inputs) {
    const { name, dev, ino } = typeof input === 'string' ? identify(input) : input;
    if (ino !== stat.ino || dev !== stat.dev) continue;
    throw new OutputError(path, name === path ? 'it is the input' : `it is the same file as ${name}, which is read`);
  }
}

function identify(path: string): FileIdentity {
  const stat = statSync(path, { throwIfNoEntry: false });
  return { name: path, dev: stat?.dev, ino: stat?.ino };
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw writeFailure(path, error);
  }
}

function refused(path: string, why: string): ToolError {
  return new ToolError('write', `${path}: cannot be written: ${why}`);
}

/** A file that is filled at any position and becomes the output as a whole. */
export class OutputFile {
  /** Open for reading and writing. */
  readonly fd: number;
  private readonly temporary: string | undefined;
  private isOpen = true;
  private isDone = false;
  private sinkIsClosed = false;

  /**
   * @param mode permissions of a new file, before the umask
   * @throws ToolError 'write'
   */
  constructor(
    readonly destination: Destination,
    mode: number,
  ) {
    const { path, file } = destination;
    if (file === undefined) {
      this.fd = unnamedFile();
      return;
    }
    this.temporary = temporaryPath(file);
    try {
      this.fd = openSync(this.temporary, 'wx+', mode);
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  /** Makes the file the output: by a rename, or by writing it through. */
  commit(): void {
    const { path, file, sink } = this.destination;
    try {
      if (sink !== undefined) copyTo(this.fd, sink);
      this.close();
      if (this.temporary !== undefined && file !== undefined) renameSync(this.temporary, file);
      this.isDone = true;
    } catch (error) {
      throw writeFailure(path, error);
    } finally {
      this.closeSink();
    }
  }

  /** After commit(): makes the new name durable, as far as the file system supports it. */
  syncFolder(): void {
    const { path, file } = this.destination;
    if (file !== undefined) syncFolder(dirname(file), path);
  }

  /**
   * Leaves the output as it was; does nothing after commit(). Never fails.
   * @param busy settles when nothing uses the descriptor any more
   */
  abandon(busy?: Promise<unknown>): void {
    const close = () => {
      try {
        this.close();
      } catch {
        // The output is not wanted any more, so a failed write does not matter.
      }
    };
    if (busy === undefined) close();
    else busy.then(close, close);
    this.closeSink();
    if (this.temporary !== undefined && !this.isDone) removeTemporary(this.temporary);
  }

  close(): void {
    if (this.isOpen) closeSync(this.fd);
    this.isOpen = false;
  }

  /** Closes the sink, unless it is one of the process's standard streams. */
  private closeSink(): void {
    const { sink } = this.destination;
    if (sink === undefined || sink <= 2 || this.sinkIsClosed) return;
    this.sinkIsClosed = true;
    try {
      closeSync(sink);
    } catch {
      // Either all of it is written, or the error was reported already.
    }
  }
}

/** Calls `fill` with the descriptor of a new file, which becomes the output when `fill` succeeds. */
export function writeOutput(to: Destination | string, fill: (fd: number) => void, mode: number): void {
  const output = newOutput(to, mode);
  try {
    fill(output.fd);
    output.commit();
  } catch (error) {
    throw abandoned(output, error);
  }
}

/** The same for an asynchronous `fill`. */
export async function streamOutput(
  to: Destination | string,
  fill: (fd: number, path: string) => Promise<void>,
  mode: number,
): Promise<void> {
  const output = newOutput(to, mode);
  try {
    await fill(output.fd, output.destination.path);
    output.commit();
  } catch (error) {
    throw abandoned(output, error);
  }
}

function newOutput(to: Destination | string, mode: number): OutputFile {
  return new OutputFile(typeof to === 'string' ? openDestination(to) : to, mode);
}

/** Returns the failure as an error for people. */
function abandoned(output: OutputFile, error: unknown): unknown {
  output.abandon();
  if ((error as NodeJS.ErrnoException).syscall === undefined) return error;
  return writeFailure(output.destination.path, error);
}

export function writeAt(fd: number, bytes: Uint8Array, fileOffset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, fileOffset + done);
  }
}

/** Creates an unnamed file that nobody else can read. */
function unnamedFile(): number {
  const folder = makeTemporaryFolder();
  try {
    const path = join(folder, 'output');
    const fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return fd;
  } catch (error) {
    throw writeFailure(folder, error);
  } finally {
    removeTemporary(folder);
  }
}

/** Copies a file to an output that takes bytes in order only. */
function copyTo(fd: number, sink: number): void {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = 0; ; ) {
    const got = readSync(fd, buffer, 0, CHUNK, at);
    if (got === 0) return;
    for (let done = 0; done < got; ) {
      try {
        done += writeSync(sink, buffer, done, got - done);
      } catch (error) {
        // Another process that shares the pipe has made it non-blocking.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      }
    }
    at += got;
  }
}

/**
 * A rename is durable once its folder is synced. Some folders cannot be synced: write-only ones, and those on file
 * systems without fsync for folders.
 *
 * @param path for messages
 * @throws ToolError 'sync'
 */
export function syncFolder(folder: string, path = folder): void {
  try {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
    throw new ToolError('sync', `${path}: is complete, but may be lost in a power failure: ${systemReason(error)}`);
  }
}
