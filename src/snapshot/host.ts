/** What a program has of its host, as meaning: descriptors, arguments, environment, clocks, its embedder. */

/**
 * A listener accepts connections; a socket is one of them, which cannot be restored but as reset by its peer. What
 * restore was told to ignore is null, a file that it was given by a host path is given.
 */
export type DescriptorKind = 'stdio' | 'preopen' | 'file' | 'directory' | 'listener' | 'socket' | 'null' | 'given';

/**
 * What an open file was at capture, so that restore can tell whether it still is. Which file it was is FileIdentity's
 * matter.
 */
export interface FileFacts {
  readonly type: FileType;
  /** Bytes. */
  readonly size: bigint;
  /** Nanoseconds since 1970. */
  readonly modified: bigint;
  /** Lower-case hex, of a regular file that was to be hashed. */
  readonly sha256?: string | undefined;
}

export const FILE_TYPES = ['file', 'directory', 'pipe', 'character device', 'block device', 'socket'] as const;
export type FileType = (typeof FILE_TYPES)[number];

/** Which file it was, for as long as the machine runs (file-identity.ts). */
export interface FileIdentity {
  /** sha256 in lower-case hex, of what the kernel calls this boot: devices and inodes are known by it. */
  readonly boot: string;
  readonly device: bigint;
  readonly inode: bigint;
  /** When it was made, nanoseconds since 1970, where the file system knows: a new file may get an old one's inode. */
  readonly born?: bigint | undefined;
}

/** What was in a regular file that had no name at capture. Descriptors of the same file have the same one. */
export interface FileContents {
  /** Of the snapshot's file, a multiple of 64 KiB. Blocks of zeros are holes. */
  readonly fileOffset: number;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** An open guest descriptor, as meaning. Fields that a kind does not have are empty, 0 or false. */
export interface Descriptor {
  readonly fd: number;
  readonly kind: DescriptorKind;
  /** Files and directories: the path below the preopen. Listeners: the address, as a line of WAGSNAP_LISTEN. */
  readonly path: Uint8Array;
  /** Files and directories: the guest descriptor of the preopen. */
  readonly preopen: number;
  /** Preopens: the name the guest sees, and the path on the host. Given files have the latter. */
  readonly guestName: Uint8Array;
  readonly hostPath: Uint8Array;
  readonly readOnly: boolean;
  /** WASI fdflags. */
  readonly flags: number;
  /** 1 read, 2 write. */
  readonly openFlags: number;
  readonly rights: bigint;
  readonly rightsInheriting: bigint;
  /** Files: the position in bytes. */
  readonly offset: bigint;
  /** Directories: the read position. */
  readonly cookie: bigint;
  /**
   * Directories: a hash of 8 bytes of each name that the listing has delivered, in order; absent where none has begun.
   * In the annex of the snapshot's file; those of early versions have none.
   */
  readonly listed?: Uint8Array | undefined;
  /** Standard streams: which one (0 to 2) when the program has moved it to another number; else it is `fd`. */
  readonly stream?: number | undefined;
  /** Files and given ones; snapshots of early versions have none. In the annex of the snapshot's file. */
  readonly facts?: FileFacts | undefined;
  /** Preopens, files, directories and given ones, in the annex: absent in snapshots of early versions. */
  readonly identity?: FileIdentity | undefined;
  /** Of regular files: they are restored from here, not by their path. In the annex. */
  readonly contents?: FileContents | undefined;
  /** What had no name at capture and cannot be made again: removed directories, pipes, devices. In the annex. */
  readonly nameless?: boolean | undefined;
}

export interface Host {
  readonly descriptors: readonly Descriptor[];
  readonly args: readonly Uint8Array[];
  /** NAME=VALUE each, without the variables that configure wag-snap itself. */
  readonly env: readonly Uint8Array[];
  /** The guest's monotonic clock at capture, nanoseconds: it must not step back. */
  readonly monotonic: bigint;
  /** What remained of an interrupted sleep, nanoseconds, or undefined when there was none. */
  readonly pendingTimeout: bigint | undefined;
  /** Of programs that call functions of whoever starts them. In the annex. */
  readonly embedder?: EmbedderState | undefined;
}

/** What a program and its embedder know of each other. */
export interface EmbedderState {
  /** What the embedder knows the program by, across restores: 32 hexadecimal digits. */
  readonly session: string;
  /** Number of the last call, 0 before the first. */
  readonly lastCall: number;
  /** Whether it has no answer: it is made again, with its number. */
  readonly isPending: boolean;
  /** The functions that the embedder provides. */
  readonly imports: readonly { readonly module: string; readonly name: string }[];
}
