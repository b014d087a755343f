/**
 * Writes the contents of unlinked open files into a snapshot. They are stored in slots like pages of memory, without
 * blocks of zeros. The user sets a limit for all of them together.
 */

import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, fstatSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { LimitError, systemReason, ToolError } from '../base/errors.js';
import { openRegularFile } from '../base/path-descriptor.js';
import type { FileContents, Host } from '../snapshot/host.js';
import type { ByteSource, PageSink } from '../snapshot/pages.js';
import type { UnlinkedFile } from './open-names.js';
import type { ProcessFolder } from './process-folder.js';

/** The default limit for all files together, in bytes. */
export const MAX_FILE_DATA = 64 << 20;
const readAsync = promisify(read);

/** @throws LimitError that names the files */
export function limitFileData(pid: number, files: readonly UnlinkedFile[], limit: number): void {
  const total = files.reduce((sum, { stat }) => sum + stat.size, 0n);
  if (total <= BigInt(limit)) return;
  throw new LimitError(
    'file-data',
    `pid ${pid}: it has unlinked files open with ${total} bytes, and a snapshot takes ${limit} bytes of them; ` +
      `--max-file-data SIZE allows more`,
    files.map(({ fds, stat, name }) => `  ${descriptors(fds)}, file ${name}: ${stat.size} bytes`),
  );
}

/** `descriptor 4, file "a": unlinked, 3 bytes in the snapshot` */
export function describeUnlinked({ fds, name, stat }: UnlinkedFile): string {
  return `${descriptors(fds)}, file ${name}: unlinked, ${stat.size} bytes in the snapshot`;
}

function descriptors(fds: readonly number[]): string {
  return `${fds.length === 1 ? 'descriptor' : 'descriptors'} ${fds.join(', ')}`;
}

/**
 * Writes the files, and records their places in the descriptors.
 *
 * @param check called now and then; may throw to cancel
 * @throws ToolError when a file cannot be read
 */
export async function writeFileData(
  folder: ProcessFolder,
  files: readonly UnlinkedFile[],
  host: Host,
  sink: PageSink,
  check: () => void,
): Promise<Host> {
  const found = new Map<number, FileContents>();
  for (const file of files) {
    const contents = await writeFile(folder, file, sink, check);
    for (const fd of file.fds) found.set(fd, contents);
  }
  const withContents = host.descriptors.map((descriptor) => {
    const contents = found.get(descriptor.fd);
    return contents === undefined ? descriptor : { ...descriptor, contents };
  });
  return { ...host, descriptors: withContents };
}

async function writeFile(
  folder: ProcessFolder,
  { link, stat, name, fds }: UnlinkedFile,
  sink: PageSink,
  check: () => void,
): Promise<FileContents> {
  const size = Number(stat.size);
  let fd: number | undefined;
  try {
    fd = openRegularFile(folder.path(link), (_, place) => isSame(fstatSync(place, { bigint: true }), stat));
    if (fd === undefined)
      throw new ToolError('file-data', `${descriptors(fds)}: ${name} was replaced by another file during the capture`);
    const source = new OpenFile(fd);
    const fileOffset = await sink.takeContents(source, size, check);
    return { fileOffset, size, sha256: source.sha256() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new ToolError('file-data', `${descriptors(fds)}, file ${name}: it cannot be read: ${systemReason(error)}`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Reads a file from start to end and hashes it. Yields as many bytes as the file had when it was examined: what another
 * process truncates meanwhile reads as zeros.
 */
class OpenFile implements ByteSource {
  private readonly hash = createHash('sha256');

  constructor(private readonly fd: number) {}

  async read(offset: number, length: number, target: Buffer, at: number): Promise<void> {
    const got = await readFully(this.fd, target, at, length, offset);
    target.fill(0, at + got, at + length);
    this.hash.update(target.subarray(at, at + length));
  }

  /** The digest of everything that was read, in lower-case hex. */
  sha256(): string {
    return this.hash.digest('hex');
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** Returns how many bytes were read, at most `length`. */
async function readFully(fd: number, bytes: Buffer, at: number, length: number, position: number): Promise<number> {
  let done = 0;
  while (done < length) {
    const { bytesRead } = await readAsync(fd, bytes, at + done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
