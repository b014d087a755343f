/**
 * Reads the host layer's state of a parked process: descriptors, arguments, environment, clocks.
 *
 * The sources are the HS_* block and the strings of RT_ARGV and RT_ENVP; file positions are the kernel's
 * (/proc/PID/fdinfo/N). Native descriptor numbers are not part of the result.
 */

import { InputError } from '../base/errors.js';
import { SESSION_SIZE } from '../image/contract/embedder.js';
import {
  CALL_PENDING_HIGH,
  FD_NATIVE,
  FD_OFFSET,
  FD_SIZE,
  HOST_STATE_VERSION,
  HS_CALL,
  HS_FD_CAPACITY,
  HS_FD_COUNT,
  HS_FDS,
  HS_LISTINGS,
  HS_LISTINGS_SIZE,
  HS_MONOTONIC_OFFSET,
  HS_PATH_SIZE,
  HS_PATHS,
  HS_PENDING_TIMEOUT,
  HS_SESSION,
  HS_VERSION,
  LISTING_COUNT,
  LISTING_HEADER,
} from '../image/contract/host-state.js';
import { RT_ARGC, RT_ARGV, RT_ENVP, RT_HOST_STATE } from '../image/contract/runtime-block.js';
import { PHASE_HOOK, TH_PHASE, TH_SUSPENDED_CALL, TH_SUSPENDED_TIMEOUT } from '../image/contract/thread.js';
import { readDescriptorRecord } from '../snapshot/descriptor-record.js';
import { hashFile, openFileFacts } from '../snapshot/file-facts.js';
import type { Descriptor, EmbedderState, Host } from '../snapshot/host.js';
import { checkedAddress, type ProcessMemory } from './process-memory.js';

const EMPTY = new Uint8Array(0);
/** The kernel's MAX_ARG_STRLEN, and more bytes than a process can be started with (6 MiB), pointers included. */
const STRING_MAX = 131072;
const STRINGS_BYTES = 1 << 23;
const POINTER = 8;
const STRINGS_AT_ONCE = 512;
const STRING_CHUNK = 4096;
/** More bytes than any host layer uses for listings; the hash of a name has 8. */
const LISTINGS_MAX = 64 << 20;
const NAME_BYTES = 8;
/** The first bytes of an fdinfo: its first line is the position. */
const FDINFO_HEAD = 256;

/**
 * @param runtime address of the runtime block. @param thread of the thread record
 * @param hostImports the functions that the image imports from its embedder
 * @param now CLOCK_MONOTONIC at the capture, in nanoseconds
 * @param settle lets pending events in now and then; may throw
 */
export async function readHost(
  memory: ProcessMemory,
  runtime: number,
  thread: number,
  hostImports: EmbedderState['imports'] | undefined,
  now: bigint,
  settle: () => Promise<void>,
): Promise<Host> {
  const state = memory.address(runtime + RT_HOST_STATE);
  const head = memory.read(state, HS_FDS);
  const version = head.readUInt32LE(HS_VERSION);
  if (version !== HOST_STATE_VERSION) {
    throw new InputError(
      'host-state',
      `pid ${memory.pid}: its host state has version ${version}, not ${HOST_STATE_VERSION}`,
    );
  }
  const count = head.readUInt32LE(HS_FD_COUNT);
  if (count > HS_FD_CAPACITY) throw new InputError('damaged-process', `pid ${memory.pid}: ${count} descriptors`);
  const monotonic = now + head.readBigInt64LE(HS_MONOTONIC_OFFSET);
  const deadline = head.readBigInt64LE(HS_PENDING_TIMEOUT);
  const argc = Number(memory.u64(runtime + RT_ARGC));
  const strings = new StringReader(memory, settle);
  return {
    descriptors: readDescriptors(memory, state, count, listingsOf(head, memory.pid)),
    args: await strings.read(memory.address(runtime + RT_ARGV), argc),
    env: (await strings.read(memory.address(runtime + RT_ENVP), Infinity)).filter((text) => !isOurs(text)),
    monotonic,
    pendingTimeout: timeLeft(deadline, monotonic),
    ...suspendedState(memory, thread, monotonic),
    ...(hostImports === undefined ? {} : { embedder: embedderState(head, hostImports, memory.pid) }),
  };
}

/** What is left of a sleep; undefined when there is none. @param deadline -1 for none */
function timeLeft(deadline: bigint, monotonic: bigint): bigint | undefined {
  if (deadline < 0n) return undefined;
  return deadline > monotonic ? deadline - monotonic : 0n;
}

function suspendedState(memory: ProcessMemory, thread: number, monotonic: bigint): Pick<Host, 'suspended'> {
  const inHook = memory.u32(thread + TH_PHASE) === PHASE_HOOK >>> 0;
  const deadline = inHook ? BigInt.asIntN(64, memory.u64(thread + TH_SUSPENDED_TIMEOUT)) : -1n;
  const call = Number(memory.u64(thread + TH_SUSPENDED_CALL)); // 0 in processes of early images
  const pendingTimeout = timeLeft(deadline, monotonic);
  if (!inHook && call === 0) return {};
  if (!Number.isSafeInteger(call)) throw damaged(memory, `it repeats call ${call} of its embedder`);
  return {
    suspended: {
      ...(pendingTimeout === undefined ? {} : { pendingTimeout }),
      ...(call === 0 ? {} : { call }),
    },
  };
}

function embedderState(head: Buffer, imports: EmbedderState['imports'], pid: number): EmbedderState {
  const high = head.readUInt32LE(HS_CALL + 4);
  const lastCall = (high & ~CALL_PENDING_HIGH) * 2 ** 32 + head.readUInt32LE(HS_CALL);
  if (!Number.isSafeInteger(lastCall)) {
    throw new InputError('damaged-process', `pid ${pid}: it has called its embedder ${lastCall} times`);
  }
  return {
    session: head.toString('hex', HS_SESSION, HS_SESSION + SESSION_SIZE),
    lastCall,
    isPending: (high & CALL_PENDING_HIGH) !== 0,
    imports,
  };
}

/** The area in which a process keeps the names that its listings have delivered. */
interface Listings {
  readonly address: number;
  readonly size: number;
}

function listingsOf(head: Buffer, pid: number): Listings {
  const address = checkedAddress(head.readBigUInt64LE(HS_LISTINGS), pid);
  const size = Math.min(Number(head.readBigUInt64LE(HS_LISTINGS_SIZE)), LISTINGS_MAX);
  return { address, size: address === 0 ? 0 : size };
}

/**
 * The names that a directory's listing has delivered; undefined when there is no listing, or too many names to
 * remember.
 * @throws InputError when the names are not in the area for them
 */
function readListed(memory: ProcessMemory, { address, size }: Listings, entry: Buffer): Uint8Array | undefined {
  const offset = Number(entry.readBigUInt64LE(FD_OFFSET));
  if (size === 0 || offset <= 1) return undefined;
  const bytes = offset + LISTING_HEADER > size ? size : memory.u32(address + offset + LISTING_COUNT) * NAME_BYTES;
  if (offset + LISTING_HEADER + bytes > size) {
    throw new InputError('damaged-process', `pid ${memory.pid}: a listing of a directory lies outside of its place`);
  }
  if (bytes === 0) return undefined;
  return memory.read(address + offset + LISTING_HEADER, bytes);
}

function readDescriptors(memory: ProcessMemory, state: number, count: number, listings: Listings): Descriptor[] {
  const table = memory.read(state + HS_FDS, count * FD_SIZE);
  const descriptors: Descriptor[] = [];
  let listedBytes = 0;
  for (let fd = 0; fd < count; fd++) {
    const entry = table.subarray(fd * FD_SIZE, (fd + 1) * FD_SIZE);
    const record = readDescriptorRecord(entry);
    if (record === undefined) continue;
    const { kind, native, pathLength, hostPathLength, ...fields } = record;
    if (pathLength + hostPathLength > HS_PATH_SIZE) {
      throw new InputError('damaged-process', `pid ${memory.pid}: the path of descriptor ${fd} is too long`);
    }
    const text = memory.read(state + HS_PATHS + fd * HS_PATH_SIZE, pathLength + hostPathLength);
    const preopen = kind === 'preopen';
    const below = kind === 'file' || kind === 'directory';
    const listed = kind === 'directory' || preopen ? readListed(memory, listings, entry) : undefined;
    listedBytes += listed?.length ?? 0;
    if (listedBytes > listings.size) {
      throw new InputError('damaged-process', `pid ${memory.pid}: listings of directories share their places`);
    }
    const opened = kind === 'file' || kind === 'given';
    const facts = opened ? openFileFacts(memory.folder.path(`fd/${native}`)) : undefined;
    descriptors.push({
      ...fields,
      fd,
      kind,
      path: below || kind === 'listener' ? text.subarray(0, pathLength) : EMPTY,
      preopen: below ? fields.preopen : 0,
      guestName: preopen ? text.subarray(0, pathLength) : EMPTY,
      hostPath: preopen ? text.subarray(pathLength) : kind === 'given' ? text.subarray(0, pathLength) : EMPTY,
      offset: opened ? fileOffset(memory, native) : 0n,
      ...(kind === 'stdio' ? movedStream(fd, native) : {}),
      ...(facts === undefined ? {} : { facts }),
      ...(listed === undefined ? {} : { listed }),
    });
  }
  return descriptors;
}

/**
 * Adds the sha256 of each open regular file. The process stands still, so these are the contents at the capture, unless
 * other processes write to the files.
 *
 * @param check called now and then; may throw to cancel
 * @throws ToolError when a file cannot be read
 */
export async function hashOpenFiles(
  memory: ProcessMemory,
  runtime: number,
  host: Host,
  check: () => void,
): Promise<Host> {
  const natives = nativeDescriptors(memory, runtime, host);
  const descriptors: Descriptor[] = [];
  for (const descriptor of host.descriptors) {
    const { fd, facts } = descriptor;
    if (facts?.type !== 'file') {
      descriptors.push(descriptor);
      continue;
    }
    const sha256 = await hashFile(memory.folder.path(`fd/${natives[fd]}`), check);
    descriptors.push({ ...descriptor, facts: { ...facts, sha256 } });
  }
  return { ...host, descriptors };
}

/** The native descriptor of each guest descriptor, -1 for none. */
export function nativeDescriptors(memory: ProcessMemory, runtime: number, { descriptors }: Host): Int32Array {
  const state = memory.address(runtime + RT_HOST_STATE);
  const natives = new Int32Array(descriptors.reduce((most, { fd }) => Math.max(most, fd), -1) + 1);
  const table = memory.read(state + HS_FDS, natives.length * FD_SIZE);
  for (let fd = 0; fd < natives.length; fd++) natives[fd] = table.readInt32LE(fd * FD_SIZE + FD_NATIVE);
  return natives;
}

/** Native descriptors 0 to 2 are the standard streams, whatever numbers the program has given them. */
function movedStream(fd: number, native: number): { stream?: number } {
  return native !== fd && native >= 0 && native <= 2 ? { stream: native } : {};
}

/** The position of a native descriptor: the line "pos:" of fdinfo (proc(5)). */
function fileOffset({ folder }: ProcessMemory, native: number): bigint {
  let text: string;
  try {
    text = folder.head(`fdinfo/${native}`, FDINFO_HEAD).toString('latin1');
  } catch {
    return 0n; // closed without the host layer's knowledge; restore opens the file at its start
  }
  return BigInt(/^pos:\s*(\d+)/m.exec(text)?.[1] ?? 0);
}

/**
 * Reads arguments and environment. Together they are limited to what a process can be started with, even when many
 * pointers lead to one string.
 */
class StringReader {
  private left = STRINGS_BYTES;
  private readonly window = Buffer.alloc(STRING_CHUNK);
  private windowStart = 0;
  private windowLength = 0;

  constructor(
    private readonly memory: ProcessMemory,
    private readonly settle: () => Promise<void>,
  ) {}

  /** @param limit the greatest number of pointers; a null pointer ends them earlier */
  async read(pointers: number, limit: number): Promise<Uint8Array[]> {
    if (pointers === 0) return [];
    const { memory } = this;
    const strings: Uint8Array[] = [];
    const chunk = Buffer.alloc(STRING_CHUNK);
    while (strings.length < limit) {
      const got = memory.readSome(pointers + strings.length * POINTER, chunk, 0, STRING_CHUNK) & ~7;
      if (got === 0) throw damaged(memory, 'its arguments have no end');
      for (let at = 0; at < got && strings.length < limit; at += POINTER) {
        const address = checkedAddress(chunk.readBigUInt64LE(at), memory.pid);
        if (address === 0) return strings;
        strings.push(this.string(address));
        if (strings.length % STRINGS_AT_ONCE === 0) await this.settle();
      }
    }
    return strings;
  }

  /** The bytes before a NUL. Most strings follow the previous one directly. */
  private string(address: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let length = 0; length < STRING_MAX; ) {
      const chunk = this.bytesAt(address + length);
      const end = chunk.indexOf(0);
      const part = chunk.subarray(0, end < 0 ? chunk.length : end);
      parts.push(Uint8Array.from(part));
      length += part.length;
      this.left -= part.length;
      if (this.left < 0) break;
      if (end >= 0) break;
    }
    this.left -= POINTER;
    if (this.left < 0) {
      throw damaged(this.memory, `its arguments and its environment have more than ${STRINGS_BYTES} bytes`);
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** Reads some bytes of the process, at least one. */
  private bytesAt(address: number): Buffer {
    const inside = address >= this.windowStart && address < this.windowStart + this.windowLength;
    if (!inside) {
      this.windowStart = address;
      this.windowLength = this.memory.readSome(address, this.window, 0, STRING_CHUNK);
      if (this.windowLength === 0) throw damaged(this.memory, 'an argument cannot be read');
    }
    return this.window.subarray(address - this.windowStart, this.windowLength);
  }
}

function damaged({ pid }: ProcessMemory, what: string): InputError {
  return new InputError('damaged-process', `pid ${pid}: ${what}`);
}

/** Whether a variable configures wag-snap itself. */
function isOurs(variable: Uint8Array): boolean {
  return Buffer.from(variable.subarray(0, 8)).toString('latin1') === 'WAGSNAP_';
}
