/** A program's host state, independent of any machine: descriptors, arguments, environment, clocks, its embedder. */

/**
 * A socket is an accepted connection, which can only be restored as reset by its peer. A null descriptor replaces one
 * that restore was told to ignore. A given file is one that restore was given by a host path.
 */
export type DescriptorKind = 'stdio' | 'preopen' | 'file' | 'directory' | 'listener' | 'socket' | 'null' | 'given';

/**
 * Facts about an open file at the capture, so that restore can tell whether the file has changed. FileIdentity tells
 * which file it was.
 */
export interface FileFacts {
  readonly type: FileType;
  /** Size in bytes. */
  readonly size: bigint;
  /** Modification time, in nanoseconds since 1970. */
  readonly modified: bigint;
  /** Lower-case hex; only for a regular file whose hash was requested. */
  readonly sha256?: string | undefined;
}

export const FILE_TYPES = ['file', 'directory', 'pipe', 'character device', 'block device', 'socket'] as const;
export type FileType = (typeof FILE_TYPES)[number];

/** The identity of a file, valid until the machine's next boot (file-identity.ts). */
export interface FileIdentity {
  /**
   * Identifies the boot: sha256 of the kernel's boot id, in lower-case hex. Device and inode numbers are valid for it.
   */
  readonly boot: string;
  readonly device: bigint;
  readonly inode: bigint;
  /** Birth time in nanoseconds since 1970, where the file system has one: inode numbers are reused. */
  readonly born?: bigint | undefined;
}

/** Contents of a regular file that was unlinked at the capture. Descriptors of the same file share one object. */
export interface FileContents {
  /** Offset in the snapshot's file, a multiple of 64 KiB. Blocks of zeros are holes. */
  readonly fileOffset: number;
  /** Size in bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** An open guest descriptor. Fields that its kind does not have are empty, 0 or false. */
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
  /** The WASI fdflags. */
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
   * Directories: a hash of 8 bytes for each name that the listing has delivered, in order. Absent when no listing has
   * begun. Stored in the annex of the snapshot's file, which early versions do not have.
   */
  readonly listed?: Uint8Array | undefined;
  /** Standard streams: which one (0 to 2) it is, when the program has moved it to another number. */
  readonly stream?: number | undefined;
  /** Files and given files. Stored in the annex; absent in snapshots of early versions. */
  readonly facts?: FileFacts | undefined;
  /** Preopens, files, directories and given files. Stored in the annex; absent in snapshots of early versions. */
  readonly identity?: FileIdentity | undefined;
  /**
   * Regular files that were unlinked: they are restored from these contents, not by their path. Stored in the annex.
   */
  readonly contents?: FileContents | undefined;
  /** Whether it had no name and cannot be recreated: removed directories, pipes, devices. Stored in the annex. */
  readonly nameless?: boolean | undefined;
}

export interface Host {
  readonly descriptors: readonly Descriptor[];
  readonly args: readonly Uint8Array[];
  /** One NAME=VALUE each, without the variables that configure wag-snap itself. */
  readonly env: readonly Uint8Array[];
  /** The guest's monotonic clock at the capture, in nanoseconds: it must not go backwards. */
  readonly monotonic: bigint;
  /** The rest of an interrupted sleep in nanoseconds; undefined when there was none. */
  readonly pendingTimeout: bigint | undefined;
  /** Of the frames that continue when wag_snap_restored returns; absent when there are none. Stored in the annex. */
  readonly suspended?: SuspendedState | undefined;
  /** For programs with an embedder. Stored in the annex. */
  readonly embedder?: EmbedderState | undefined;
}

/** What the frames above wag_snap_restored were in. Absent are those that they were not in. */
export interface SuspendedState {
  /** As Host.pendingTimeout, which is that of wag_snap_restored then. */
  readonly pendingTimeout?: bigint;
  /**
   * Number of the call of the embedder that is repeated, as it has no answer. It stays until there is one, also after
   * wag_snap_restored has returned. wag_snap_restored may have made later calls, so it is not always the last one.
   */
  readonly call?: number;
}

/** The state between a program and its embedder. */
export interface EmbedderState {
  /** Identifies the program to the embedder across restores: 32 hexadecimal digits. */
  readonly session: string;
  /** Number of the last call, 0 before the first. */
  readonly lastCall: number;
  /** Whether the last call is unanswered. It is then repeated, with its number. */
  readonly isPending: boolean;
  /** The functions that the embedder provides. */
  readonly imports: readonly { readonly module: string; readonly name: string }[];
}
