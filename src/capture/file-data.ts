/**
 * Contents of open files that have no name any more, on their way into a snapshot: in slots like pages of memory,
 * blocks of zeros left out. Bounded: all of them together have no more than the user allows.
 */

import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, fstatSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { LimitError, systemReason, ToolError } from '../base/errors.js';
import { openRegularFile } from '../base/path-descriptor.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { usedBlocks } from '../snapshot/page-blocks.js';
import type { FileContents, Host } from '../snapshot/snapshot.js';
import type { SnapshotWriter } from '../snapshot/writer.js';
import type { UnlinkedFile } from './open-names.js';
import type { ProcessFolder } from './process-folder.js';

/** Bytes of all files, unless the user says another number. */
export const MAX_FILE_DATA = 64 << 20;
const CHUNK_PAGES = 16;
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
  writer: SnapshotWriter,
  check: () => void,
): Promise<Host> {
  const found = new Map<number, FileContents>();
  for (const file of files) {
    const contents = await writeFile(folder, file, writer, check);
    for (const fd of file.fds) found.set(fd, contents);
  }
  const withContents = host.descriptors.map((descriptor) => {
    const contents = found.get(descriptor.fd);
    return contents === undefined ? descriptor : { ...descriptor, contents };
  });
  return { ...host, descriptors: withContents };
}

/** As many bytes as it had when it was looked at: what another process cuts off meanwhile is zeros. */
async function writeFile(
  folder: ProcessFolder,
  { link, stat, name, fds }: UnlinkedFile,
  writer: SnapshotWriter,
  check: () => void,
): Promise<FileContents> {
  const size = Number(stat.size);
  const fileOffset = writer.takeSlots(Math.ceil(size / WASM_PAGE));
  const hash = createHash('sha256');
  const bytes = Buffer.from(new ArrayBuffer(CHUNK_PAGES * WASM_PAGE));
  const words = new Int32Array(bytes.buffer);
  let fd: number | undefined;
  try {
    fd = openRegularFile(folder.path(link), (_, place) => isSame(fstatSync(place, { bigint: true }), stat));
    if (fd === undefined) throw new ToolError('file-data', `${descriptors(fds)}: ${name} is another file by now`);
    for (let at = 0; at < size; at += bytes.length) {
      const length = Math.min(size - at, bytes.length);
      bytes.fill(0, await readFully(fd, bytes, length, at));
      hash.update(bytes.subarray(0, length));
      const blocks = new Uint16Array(Math.ceil(length / WASM_PAGE));
      for (let page = 0; page < blocks.length; page++) {
        blocks[page] = usedBlocks(bytes, words, page * WASM_PAGE, 0xffff);
      }
      await writer.writePages(bytes, 0, fileOffset + at, blocks);
      check();
    }
    return { fileOffset, size, sha256: hash.digest('hex') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new ToolError('file-data', `${descriptors(fds)}, file ${name}: it cannot be read: ${systemReason(error)}`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

/** Returns how many bytes there were, at most `length`. */
async function readFully(fd: number, bytes: Buffer, length: number, position: number): Promise<number> {
  let done = 0;
  while (done < length) {
    const { bytesRead } = await readAsync(fd, bytes, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
