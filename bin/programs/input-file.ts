/**
 * A file given on the command line: what it is, by its first bytes, and a path at which it can be read at any position,
 * as often as one likes.
 *
 * What is no regular file (- for standard input, a FIFO, a device) is read to its end first, into a temporary file that
 * only we can read; a module that is to be compiled, into memory (arriving-module.ts). Decodes nothing.
 */

import { closeSync, existsSync, fstatSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ArrivedModule, EarlyRequest } from '../../src/api/early-compilation.js';
import { type FileKind, type FileType, fileType, HEAD_SIZE } from '../../src/api/file-kind.js';
import type { HeldGeneration } from '../../src/api/find-generation.js';
import { isRegistryReference } from '../../src/api/registry-reference.js';
import { InputError, systemReason, ToolError } from '../../src/base/errors.js';
import { captureHint, fileError } from '../../src/base/file-error.js';
import type { Input } from '../../src/base/output.js';
import { makeTemporaryFolder, removeTemporary } from '../../src/base/temporary.js';
import { nameTemporary } from '../../src/base/temporary-names.js';
import { readArriving } from './arriving-module.js';
import { CHUNK, checkLength, type FirstBytes, readFirst, readSome } from './pipe.js';

const STANDARD_INPUT = '-';
/** What was looked for besides a snapshot in a store, by commands that take processes. */
export const OR_PROCESS = 'no such file, no running program of this name, and';

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
    /** A module that came by a pipe: then there is no file, and `path` is empty. */
    readonly arrived: ArrivedModule | undefined = undefined,
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
    const fd = openInput(name);
    try {
      return InputFile.fromFile(name, fd) ?? InputFile.spool(name, fd, readFirst(fd));
    } catch (error) {
      throw fileError(error, name);
    } finally {
      closeInput(fd);
    }
  }

  /** @returns undefined for what is no regular file, or has no name */
  private static fromFile(name: string, fd: number): InputFile | undefined {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new InputError('unreadable', `${name}: is a directory`);
    return stat.isFile() && fd !== 0 ? new InputFile(name, name, fileType(readHead(fd)), undefined) : undefined;
  }

  /**
   * A program to be compiled: a file as above, but a module that is not in a file is kept in memory, and compiled while
   * it is read.
   *
   * @param early how it will be compiled; undefined: it is not compiled early
   */
  static async openProgram(name: string, early: EarlyRequest | undefined): Promise<InputFile> {
    const fd = openInput(name);
    try {
      const file = InputFile.fromFile(name, fd);
      if (file !== undefined) return file;
      const first = readFirst(fd);
      const type = fileType(first.bytes);
      const isBinary = first.bytes[0] === 0;
      if (type.kind !== 'module' || !isBinary) return InputFile.spool(name, fd, first);
      const arrived = await readArriving(name, fd, first, early);
      return new InputFile(name, '', type, undefined, undefined, arrived);
    } catch (error) {
      throw fileError(error, name);
    } finally {
      closeInput(fd);
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

  private static spool(name: string, fd: number, first: FirstBytes): InputFile {
    const folder = makeTemporaryFolder();
    try {
      const path = join(folder, name === STANDARD_INPUT ? 'stdin' : basename(name));
      nameTemporary(path, name === STANDARD_INPUT ? 'standard input' : name);
      // An image may be started from here.
      const copy = openSync(path, 'wx+', 0o700);
      try {
        const type = fileType(first.bytes);
        copyToEnd(fd, copy, name, first, type.kind);
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

/** The same of a program to be compiled. */
export async function withProgram<T>(
  name: string,
  early: EarlyRequest | undefined,
  use: (input: InputFile) => T | Promise<T>,
): Promise<T> {
  return using(await InputFile.openProgram(name, early), use);
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

/** A snapshot may have any size; anything else is limited like a module. */
function copyToEnd(from: number, to: number, name: string, { bytes, isAll }: FirstBytes, kind: FileKind): void {
  let total = 0;
  const add = (buffer: Buffer, length: number) => {
    total += length;
    if (kind !== 'snapshot' && kind !== 'image') checkLength(name, total);
    keep(to, buffer, length, name);
  };
  add(bytes, bytes.length);
  if (isAll) return;
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let got = readSome(from, buffer); got > 0; got = readSome(from, buffer)) add(buffer, got);
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

function openInput(name: string): number {
  if (name === STANDARD_INPUT) return 0;
  try {
    return openSync(name, 'r');
  } catch (error) {
    throw fileError(error, name);
  }
}

function closeInput(fd: number): void {
  if (fd !== 0) closeSync(fd);
}

function readHead(fd: number): Buffer {
  const head = Buffer.alloc(HEAD_SIZE);
  return head.subarray(0, readSync(fd, head, 0, head.length, 0));
}

/** The name for messages, backtraces and default output files: the file's, without folder and extension. */
export function moduleName(path: string): string {
  return basename(path).replace(/\.(wasm|wat)$/, '');
}
