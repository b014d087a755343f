/**
 * Temporary files and folders. Their names say which process made them, so that a later command can recognize and
 * remove what a killed command left.
 *
 *     .OUTPUT.wag-snap-SPACE-PID-START-RANDOM.tmp     a file beside OUTPUT; a rename makes it OUTPUT
 *     wag-snap-SPACE-PID-START-RANDOM                 a folder in $TMPDIR
 *
 * SPACE identifies this boot and pid namespace, as a pid means something only within them. START is the process's start
 * time (proc(5), /proc/PID/stat, field 22), as pids are reused. A name with another SPACE comes from a container that
 * shares the folder or from before the last boot. Its owner is unknown, so such a file is removed once nothing has been
 * written to it for a day. Only files of our own user are considered, and links are not followed.
 */

import { createHash, randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { systemReason, ToolError } from './errors.js';

const DAY = 86_400_000; // milliseconds
/** Bytes of the output's name that its temporary file's name keeps: a file name has at most 255. */
const NAME_MAX = 150;
const UNKNOWN = '0';
const OWNER = /wag-snap-([0-9a-f]+)-(\d+)-(\d+)-[0-9a-f]+(?:\.tmp)?$/;
const FILE_OWNER = /^\..*\.wag-snap-([0-9a-f]+)-(\d+)-(\d+)-[0-9a-f]+\.tmp$/s;
/** Marks in a temporary folder the processes that still need it after its owner has ended. */
const USER = /^used-by-(\d+)-(\d+)$/;

/** A new name beside `path`. Removes the leftovers of killed commands that wrote into the same folder. */
export function temporaryPath(path: string): string {
  const folder = dirname(path);
  const prefix = `.${Buffer.from(basename(path)).subarray(0, NAME_MAX).toString()}.`;
  removeStale(folder, '.', 'files');
  return join(folder, `${prefix}${ownName()}.tmp`);
}

/**
 * Makes a folder for files that live as long as the command. Removes the leftovers of killed commands.
 *
 * @param parent where; $TMPDIR if not given
 * @throws ToolError when it cannot be made
 */
export function makeTemporaryFolder(parent = tmpdir()): string {
  removeStale(parent, 'wag-snap-', 'folders');
  const path = join(parent, ownName());
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    throw new ToolError(
      'temporary',
      `${parent}: no temporary folder can be made there: ${systemReason(error)}${parent === tmpdir() ? ': set TMPDIR to another place' : ''}`,
    );
  }
  return path;
}

/** Whether a folder is called as temporary ones are. */
export function isTemporaryFolder(path: string): boolean {
  const name = basename(path);
  return name.startsWith('wag-snap-') && OWNER.test(name);
}

/** Never fails: a file that cannot be removed is left for a later command. */
export function removeTemporary(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // The file is not ours any more, or the disk fails.
  }
}

/** Keeps a folder alive after this process is killed, as long as process `pid` runs. */
export function shareFolder(folder: string, pid: number): void {
  try {
    writeFileSync(join(folder, `used-by-${pid}-${startTime(pid) ?? UNKNOWN}`), '');
  } catch {
    // Without the mark the folder is removed with its owner.
  }
}

/**
 * Removes the leftovers in `folder` whose names start with `prefix`. Never fails.
 * @param kind what to remove; a folder is removed with its contents, so it must be certain that it is one of ours
 * @returns how many there were
 */
export function removeStale(folder: string, prefix: string, kind: 'files' | 'folders'): number {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return 0;
  }
  let count = 0;
  for (const name of names) {
    const owner = name.startsWith(prefix) ? (kind === 'files' ? FILE_OWNER : OWNER).exec(name) : null;
    const path = join(folder, name);
    if (owner === null || !isStale(path, owner, kind === 'folders')) continue;
    if (kind === 'folders') removeTemporary(path);
    else removeFile(path);
    count++;
  }
  return count;
}

/** Not recursive: in a folder that others may write to, a checked path may be something else by now. Never fails. */
function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It has been removed meanwhile, or is left for a later command.
  }
}

/**
 * Whether the process that a name is of has ended. 'unknown': it is of another boot or pid namespace, or the name is
 * none of ours.
 */
export function ownerState(path: string): 'runs' | 'ended' | 'unknown' {
  const owner = OWNER.exec(basename(path));
  if (owner === null) return 'unknown';
  const [, space, pid, start] = owner;
  if (space === UNKNOWN || space !== ownSpace()) return 'unknown';
  return isGone(Number(pid), start) ? 'ended' : 'runs';
}

function isStale(path: string, [, space, pid, start]: RegExpExecArray, isFolder: boolean): boolean {
  try {
    const stat = lstatSync(path);
    if (stat.uid !== process.geteuid?.() || !(isFolder ? stat.isDirectory() : stat.isFile())) return false;
    if (space === UNKNOWN || space !== ownSpace()) return Date.now() - stat.mtimeMs > DAY;
    if (!isGone(Number(pid), start)) return false;
    return !isFolder || !readdirSync(path).some(isUsed);
  } catch {
    return false;
  }
}

function isUsed(name: string): boolean {
  const user = USER.exec(name);
  return user !== null && !isGone(Number(user[1]), user[2]);
}

/** Whether a process has certainly ended: its pid is free or reused, or it is a zombie. */
function isGone(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
    // another user's is there all the same, and may be another process by now
  }
  const now = startTime(pid);
  return now !== undefined && start !== UNKNOWN && now !== start;
}

/** A new name that says who we are. */
export function ownName(): string {
  const start = startTime(process.pid) ?? UNKNOWN;
  return `wag-snap-${ownSpace()}-${process.pid}-${start}-${randomBytes(4).toString('hex')}`;
}

/** A process's start time in clock ticks after boot, 'ended' for a zombie, undefined when the system does not say. */
function startTime(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // from field 3 on
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19];
  } catch {
    return undefined;
  }
}

let space: string | undefined;

function ownSpace(): string {
  if (space !== undefined) return space;
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1');
    space = createHash('sha256').update(boot).update(readlinkSync('/proc/self/ns/pid')).digest('hex').slice(0, 12);
  } catch {
    space = UNKNOWN;
  }
  return space;
}
