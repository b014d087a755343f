/**
 * A file given on the command line: what it is, by its first bytes, and a path at which it can be read at any position,
 * as often as one likes.
 *
 * What is no regular file (- for standard input, a FIFO, a device) is read to its end first, into a temporary file that
 * only we can read. Decodes nothing.
 */

import { closeSync, existsSync, fstatSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type FileKind, type FileType, fileType, HEAD_SIZE } from '../../src/api/file-kind.js';
import type { HeldGeneration } from '../../src/api/find-generation.js';
import { limits } from '../../src/api/limits.js';
import { isRegistryReference } from '../../src/api/registry-reference.js';
import { InputError, LimitError, systemReason, ToolError } from '../../src/base/errors.js';
import { captureHint, fileError } from '../../src/base/file-error.js';
import type { Input } from '../../src/base/output.js';
import { makeTemporaryFolder, removeTemporary } from '../../src/base/temporary.js';
import { nameTemporary } from '../../src/base/temporary-names.js';

const STANDARD_INPUT = '-';
/** What was looked for besides a snapshot in a store, by commands that take processes. */
export const OR_PROCESS = 'no such file, no running program of this name, and';
const CHUNK = 1 << 16;

export class InputFile {
  private constructor(
    /** The name as the user gave it, for messages and default output names. */
    readonly name: string,
    /** Path of a regular file with these contents. */
    readonly path: string,
    readonly type: FileType,
    private folder: string | undefined,
    /** A snapshot in a store. */
    private readonly held: HeldGeneration | undefined = undefined,
  ) {}

  /** Of a snapshot in a store: the files that it is a difference to. */
  get parents(): readonly string[] | undefined {
    return this.held?.found.parents;
  }

  get kind(): FileKind {
    return this.type.kind;
  }

  /**
   * Waits for a writer if it is a FIFO.
   *
   * @throws InputError when there is no such file, ToolError when it cannot be read, LimitError when it is endless
   */
  static open(name: string): InputFile {
    const fd = name === STANDARD_INPUT ? 0 : openInput(name);
    try {
      const stat = fstatSync(fd);
      if (stat.isDirectory()) throw new InputError('unreadable', `${name}: is a directory`);
      if (stat.isFile() && fd !== 0) return new InputFile(name, name, fileType(readHead(fd)), undefined);
      return InputFile.spool(name, fd);
    } catch (error) {
      throw fileError(error, name);
    } finally {
      if (fd !== 0) closeSync(fd);
    }
  }

  /**
   * A snapshot: a file as above, or one of a store.
   *
   * @param name a path, or NAME:TAG or NAME where there is no file of that name; a folder is none
   * @param store its folder; undefined is the usual one
   * @param others what else was looked for
   * @throws InputError that says where it was looked for; as open()
   */
  static async openSnapshot(name: string, store: string | undefined, others = otherThings(name)): Promise<InputFile> {
    const isFolder = existsSync(name) && statSync(name, { throwIfNoEntry: false })?.isDirectory() === true;
    if (name === STANDARD_INPUT || (existsSync(name) && !isFolder)) return InputFile.open(name);
    if (isRegistryReference(name)) {
      throw new InputError('reference', `${name}: is in a registry: wag-snap pull ${name} fetches it into a store`);
    }
    const { holdGeneration } = await import('../../src/api/find-generation.js');
    const held = await holdGeneration(name, store, others).catch((error) => {
      if (isFolder && error instanceof InputError) return undefined; // then the folder is what was meant
      throw error;
    });
    if (held === undefined) return InputFile.open(name); // says what is wrong with it
    const { path } = held.found;
    try {
      return new InputFile(name, path, fileType(held.files.head(path, HEAD_SIZE)), undefined, held);
    } catch (error) {
      held.files.close();
      throw error;
    }
  }

  private static spool(name: string, fd: number): InputFile {
    const folder = makeTemporaryFolder();
    try {
      const path = join(folder, name === STANDARD_INPUT ? 'stdin' : basename(name));
      nameTemporary(path, name === STANDARD_INPUT ? 'standard input' : name);
      // An image may be started from here.
      const copy = openSync(path, 'wx+', 0o700);
      try {
        const type = copyToEnd(fd, copy, name);
        return new InputFile(name, path, type, folder);
      } finally {
        closeSync(copy);
      }
    } catch (error) {
      removeTemporary(folder);
      throw error;
    }
  }

  /** Whether `path` is a temporary file's. */
  get isTemporary(): boolean {
    return this.folder !== undefined;
  }

  /** Whether it is a snapshot in a store. */
  get isInStore(): boolean {
    return this.held !== undefined;
  }

  /** As HeldGeneration has it; undefined for other files, too. */
  link(): ReturnType<HeldGeneration['link']> {
    return this.held?.link();
  }

  /** Removes the temporary file, if there is one. May be called twice. */
  release(): void {
    this.held?.files.close();
    if (this.folder !== undefined) removeTemporary(this.folder);
    this.folder = undefined;
  }
}

/** The file that an output must not replace: the one behind standard input, or the one of that name. */
export function inputIdentity(name: string): Input {
  if (name !== STANDARD_INPUT) return name;
  const { dev, ino } = fstatSync(0);
  return { name: 'standard input', dev, ino };
}

/** What a text could have named besides a snapshot in a store. */
function otherThings(name: string): string {
  const hint = captureHint(name);
  return `no such file${hint === undefined ? '' : ` (${hint})`}, and`;
}

/** Uses a file and releases it. */
export async function withInput<T>(name: string, use: (input: InputFile) => T | Promise<T>): Promise<T> {
  return using(InputFile.open(name), use);
}

/** The same of a snapshot, which may be in a store. */
export async function withSnapshot<T>(
  name: string,
  store: string | undefined,
  use: (input: InputFile) => T | Promise<T>,
  others?: string,
): Promise<T> {
  return using(await InputFile.openSnapshot(name, store, others), use);
}

async function using<T>(input: InputFile, use: (input: InputFile) => T | Promise<T>): Promise<T> {
  try {
    return await use(input);
  } finally {
    input.release();
  }
}

/** The kind of what was copied. A snapshot may have any size; anything else is limited like a module. */
function copyToEnd(from: number, to: number, name: string): FileType {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let head = Buffer.alloc(0);
  for (let total = 0; ; ) {
    const got = readSome(from, buffer);
    if (got === 0) return fileType(head);
    if (head.length < HEAD_SIZE) head = Buffer.concat([head, buffer.subarray(0, got)]).subarray(0, HEAD_SIZE);
    total += got;
    if (total > limits.moduleBytes && !['snapshot', 'image'].includes(fileType(head).kind)) {
      throw new LimitError(
        'moduleBytes',
        `${name}: has more than ${limits.moduleBytes} bytes, which no module may have`,
      );
    }
    keep(to, buffer, got, name);
  }
}

/** @throws ToolError when there is no room for the copy, which says nothing about the input */
function keep(to: number, buffer: Buffer, length: number, name: string): void {
  try {
    for (let done = 0; done < length; ) done += writeSync(to, buffer, done, length - done);
  } catch (error) {
    throw new ToolError(
      'temporary',
      `${name}: there is no room for a copy of it in ${tmpdir()}: ${systemReason(error)}`,
    );
  }
}

function readSome(fd: number, buffer: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, buffer, 0, buffer.length, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      // Another process that shares standard input has made it non-blocking.
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function openInput(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw fileError(error, path);
  }
}

function readHead(fd: number): Buffer {
  const head = Buffer.alloc(HEAD_SIZE);
  return head.subarray(0, readSync(fd, head, 0, head.length, 0));
}

/** The name for messages, backtraces and default output files: the file's, without folder and extension. */
export function moduleName(path: string): string {
  return basename(path).replace(/\.(wasm|wat)$/, '');
}
