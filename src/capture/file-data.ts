/**
 * Contents of open files that have no name any more, on their way into a snapshot: in slots like pages of memory,
 * blocks of zeros left out. Bounded: all of them together have no more than the user allows.
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

/** Bytes of all files, unless the user says another number. */
export const MAX_FILE_DATA = 64 << 20;
const readAsync = promisify(read);

/** @throws LimitError that names the files */
export function limitFileData(pid: number, files: readonly UnlinkedFile[], limit: number): void {
  const total = files.reduce((sum, { stat }) => sum + stat.size, 0n);
  if (total <= BigInt(limit)) return;
  throw new LimitError(
    'file-data',
    `pid ${pid}: it has files open that have no name any more, with ${total} bytes: a snapshot takes ${limit} of such files, ` +
      `--max-file-data says how many`,
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
 * Writes them, and says in the descriptors where.
 *
 * @param check called now and then; may throw
 * @throws ToolError when one cannot be read
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
    if (fd === undefined) throw new ToolError('file-data', `${descriptors(fds)}: ${name} is another file by now`);
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
 * A file from its start to its end, hashed on the way. It has as many bytes as when it was looked at: what another
 * process cuts off meanwhile is zeros.
 */
class OpenFile implements ByteSource {
  private readonly hash = createHash('sha256');

  constructor(private readonly fd: number) {}

  async read(offset: number, length: number, target: Buffer, at: number): Promise<void> {
    const got = await readFully(this.fd, target, at, length, offset);
    target.fill(0, at + got, at + length);
    this.hash.update(target.subarray(at, at + length));
  }

  /** Of all that was read, lower-case hex. */
  sha256(): string {
    return this.hash.digest('hex');
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** Returns how many bytes there were, at most `length`. */
async function readFully(fd: number, bytes: Buffer, at: number, length: number, position: number): Promise<number> {
  let done = 0;
  while (done < length) {
    const { bytesRead } = await readAsync(fd, bytes, at + done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
