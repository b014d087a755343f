/**
 * Finds out whether open files still have their recorded names. The kernel knows a file by device and inode, so a
 * descriptor's file (fstat) is compared with the file that its path leads to now.
 *
 *     the recorded path leads to it               the file is restored by this path
 *     the kernel names another path below the     this path is recorded: another process renamed
 *       same directory, which leads to it           the file
 *     neither, a regular file                     unlinked: its contents go into the snapshot (file-data.ts)
 *     neither, anything else                      nameless: it cannot be recreated, and restore says so
 *
 * Paths are followed as the process sees them, from its own descriptor of the directory. Nothing is opened. A process
 * may lie about its descriptors. It gets only contents of files that it has opened for reading, as the capturing user
 * may be allowed to read more than the process.
 */

import { type BigIntStats, readlinkSync, statSync } from 'node:fs';
import { O_PATH } from '../base/path-descriptor.js';
import { quoted } from '../base/terminal-text.js';
import { fileFacts } from '../snapshot/file-facts.js';
import { fileIdentity } from '../snapshot/file-identity.js';
import type { Descriptor, Host } from '../snapshot/host.js';
import { nativeDescriptors } from './host-state.js';
import type { ProcessMemory } from './process-memory.js';

/** An unlinked regular file, and the descriptors that have it open. */
export interface UnlinkedFile {
  readonly fds: number[];
  /** Its path below /proc/PID. */
  readonly link: string;
  readonly stat: BigIntStats;
  /** Its former name, for people. */
  readonly name: string;
}

export interface OpenNames {
  /** The descriptors with file identities and present paths. */
  readonly host: Host;
  readonly unlinked: readonly UnlinkedFile[];
  /** Warnings for the user. */
  readonly warnings: readonly string[];
  /** Renamed files: `"a" is "b" now`. */
  readonly renamed: readonly string[];
}

/** The longest path in a header (header-schema.ts). */
const PATH_MAX = 4095;
/**
 * The names that NFS and FUSE give to files that are removed while open. Such a name disappears when the file is
 * closed.
 */
const REMOVED_NAME = /(?:^|\/)\.(?:nfs[0-9a-f]{8,}|fuse_hidden[0-9a-f]{8,})$/;
const SLASH = 0x2f;
// asm-generic/fcntl.h
const O_ACCMODE = 3;
const O_WRONLY = 1;
const OPEN_READ = 1;

/** @param runtime address of the runtime block of a process that stands still */
export function readOpenNames(memory: ProcessMemory, runtime: number, host: Host): OpenNames {
  const reader = new NameReader(memory, runtime, host);
  const descriptors = host.descriptors.map((descriptor) => reader.read(descriptor));
  const { warnings, renamed } = reader;
  return { host: { ...host, descriptors }, unlinked: [...reader.unlinked.values()], warnings, renamed };
}

class NameReader {
  readonly unlinked = new Map<string, UnlinkedFile>();
  readonly warnings: string[] = [];
  readonly renamed: string[] = [];
  private readonly natives: Int32Array;
  private readonly byFd: ReadonlyMap<number, Descriptor>;

  constructor(
    private readonly memory: ProcessMemory,
    runtime: number,
    host: Host,
  ) {
    this.natives = nativeDescriptors(memory, runtime, host);
    this.byFd = new Map(host.descriptors.map((descriptor) => [descriptor.fd, descriptor]));
  }

  read(descriptor: Descriptor): Descriptor {
    const { kind, fd } = descriptor;
    if (kind === 'preopen') {
      const stat = statOf(this.directory(descriptor));
      return stat === undefined ? descriptor : { ...descriptor, identity: fileIdentity(stat) };
    }
    if (kind !== 'file' && kind !== 'directory' && kind !== 'given') return descriptor;
    const link = `fd/${this.natives[fd]}`;
    const stat = statOf(this.memory.folder.path(link));
    if (stat === undefined) return descriptor; // closed without the host layer's knowledge
    // reading the state refuses it
    if (kind !== 'given' && this.byFd.get(descriptor.preopen)?.kind !== 'preopen') return descriptor;
    const found = { ...descriptor, identity: fileIdentity(stat) };
    if (this.pathsOf(descriptor).some((path) => isAt(path, stat))) return found;
    const path = this.presentPath(descriptor, link, stat);
    if (path === undefined) return this.withoutName(found, link, stat);
    const field = kind === 'given' ? 'hostPath' : 'path';
    this.renamed.push(`descriptor ${fd}: ${show(descriptor[field])} is ${show(path)} now`);
    return { ...found, [field]: path };
  }

  private withoutName(descriptor: Descriptor, link: string, stat: BigIntStats): Descriptor {
    const { fd, kind } = descriptor;
    const name = show(kind === 'given' ? descriptor.hostPath : descriptor.path);
    const { type } = fileFacts(stat);
    if (type !== 'file' || !this.mayRead(descriptor)) {
      this.warnings.push(
        `descriptor ${fd}: the ${type} ${name} was removed: restore will need --fd ${fd}=ignore|close`,
      );
      return { ...descriptor, nameless: true };
    }
    const key = `${stat.dev} ${stat.ino}`;
    const same = this.unlinked.get(key);
    if (same !== undefined) same.fds.push(fd);
    else this.unlinked.set(key, { fds: [fd], link, stat, name });
    if (stat.nlink > 0n && same === undefined) {
      this.warnings.push(
        `descriptor ${fd}: the file ${name} was removed or replaced: the snapshot has a copy of its contents`,
      );
    }
    return descriptor;
  }

  /**
   * Whether the process may get the contents: it has opened the file for reading, or will not be able to read it after
   * a restore either.
   */
  private mayRead({ fd, openFlags }: Descriptor): boolean {
    const flags = this.memory.folder.fileFlags(this.natives[fd]);
    if ((flags & O_PATH) !== 0) return false;
    return (flags & O_ACCMODE) !== O_WRONLY || (openFlags & OPEN_READ) === 0;
  }

  /** Candidate paths of the recorded file. */
  private pathsOf(descriptor: Descriptor): Buffer[] {
    const { hostPath, path } = descriptor;
    if (descriptor.kind === 'given') return [this.fromRoot(hostPath), Buffer.from(hostPath)];
    const directory = this.directory(this.byFd.get(descriptor.preopen)!);
    return [path.length === 0 ? directory : join(directory, path)];
  }

  /** The path that the kernel names for the file, if the path leads to it. */
  private presentPath({ kind, preopen }: Descriptor, link: string, stat: BigIntStats): Uint8Array | undefined {
    const text = linkOf(this.memory.folder.path(link));
    if (text === undefined || text[0] !== SLASH || REMOVED_NAME.test(text.toString('latin1'))) return undefined;
    if (kind === 'given') return text.length <= PATH_MAX && isAt(text, stat) ? text : undefined;
    const directory = this.directory(this.byFd.get(preopen)!);
    const top = linkOf(directory) ?? Buffer.from(this.byFd.get(preopen)!.hostPath);
    const prefix = top[top.length - 1] === SLASH ? top : Buffer.concat([top, Buffer.from('/')]);
    if (!text.subarray(0, prefix.length).equals(prefix)) return undefined;
    const path = text.subarray(prefix.length);
    return path.length <= PATH_MAX && isAt(join(directory, path), stat) ? path : undefined;
  }

  /**
   * The path of a preopen's directory: through the process's own descriptor, unless the program has closed that.
   */
  private directory({ fd, hostPath }: Descriptor): Buffer {
    const native = this.natives[fd];
    return native < 0 ? this.fromRoot(hostPath) : Buffer.from(this.memory.folder.path(`fd/${native}`));
  }

  private fromRoot(path: Uint8Array): Buffer {
    return Buffer.concat([Buffer.from(this.memory.folder.path('root')), path]);
  }
}

function isAt(path: Uint8Array, stat: BigIntStats): boolean {
  const there = statOf(path);
  return there !== undefined && there.dev === stat.dev && there.ino === stat.ino;
}

function statOf(path: Uint8Array | string): BigIntStats | undefined {
  try {
    return statSync(typeof path === 'string' ? path : Buffer.from(path), { bigint: true });
  } catch {
    return undefined;
  }
}

function linkOf(path: Buffer | string): Buffer | undefined {
  try {
    return readlinkSync(path, 'buffer');
  } catch {
    return undefined;
  }
}

function join(directory: Uint8Array, path: Uint8Array): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), path]);
}

function show(path: Uint8Array): string {
  return quoted(Buffer.from(path).toString());
}
