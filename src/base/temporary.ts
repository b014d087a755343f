/**
 * Temporary files and folders: their names say who made them, so that a later command can tell which were left behind
 * by one that was killed, and remove them.
 *
 *     .OUTPUT.wag-snap-SPACE-PID-START-RANDOM.tmp     a file beside OUTPUT, which it becomes by a rename
 *     wag-snap-SPACE-PID-START-RANDOM                 a folder in $TMPDIR
 *
 * SPACE stands for this boot and pid namespace: only within it does a pid mean something. START is the time at which
 * the process was started (proc(5), /proc/PID/stat, field 22), as a pid is given to another process some day. The owner
 * of a name of another SPACE (a container that shares the folder, before the last boot) is not known: such a file goes
 * when nothing was written to it for a day. Only what belongs to our user is looked at, and links are not followed.
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
/** Bytes of an output's name in that of its temporary file: a file name has at most 255. */
const NAME_MAX = 150;
const UNKNOWN = '0';
const OWNER = /wag-snap-([0-9a-f]+)-(\d+)-(\d+)-[0-9a-f]+(?:\.tmp)?$/;
/** In a folder: what still needs it when its owner is gone. */
const USER = /^used-by-(\d+)-(\d+)$/;

/** A new name beside `path`. Removes what killed commands that wrote to the same path have left. */
export function temporaryPath(path: string): string {
  const folder = dirname(path);
  const prefix = `.${Buffer.from(basename(path)).subarray(0, NAME_MAX).toString()}.`;
  removeStale(folder, prefix, 'files');
  return join(folder, `${prefix}${ownName()}.tmp`);
}

/**
 * A new folder for files that live as long as a command. Removes those of killed commands.
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

/** Of temporary files: what the user knows them by. */
const names = new Map<string, string>();

/** Says what messages are to call a temporary file. */
export function nameTemporary(path: string, name: string): void {
  names.set(path, name);
}

/** A message with the names that the user knows in place of paths of temporary files. */
export function withoutTemporaries(message: string): string {
  let text = message;
  for (const [path, name] of names) text = text.replaceAll(path, name);
  return text;
}

/** Never fails: what cannot be removed stays for a later command. */
export function removeTemporary(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Not ours any more, or a disk that fails.
  }
}

/** Lets a folder live on when we are killed, as long as process `pid` does. */
export function shareFolder(folder: string, pid: number): void {
  try {
    writeFileSync(join(folder, `used-by-${pid}-${startTime(pid) ?? UNKNOWN}`), '');
  } catch {
    // Without it the folder goes with us.
  }
}

/**
 * Removes the leftovers in `folder` whose names start with `prefix`. Never fails.
 * @param kind what they have to be: folders go with what is in them, so nothing else may be taken for one of ours
 */
export function removeStale(folder: string, prefix: string, kind: 'files' | 'folders'): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  for (const name of names) {
    const owner = name.startsWith(prefix) ? OWNER.exec(name) : null;
    const path = join(folder, name);
    if (owner === null || !isStale(path, owner, kind === 'folders')) continue;
    if (kind === 'folders') removeTemporary(path);
    else removeFile(path);
  }
}

/** Not recursively: what was looked at may be something else by now, where others may write. Never fails. */
function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It has gone, or stays for a later command.
  }
}

/** Whether a file that is called by an owner's name was left behind by it. */
export function isLeftOver(path: string): boolean {
  const owner = OWNER.exec(basename(path));
  return owner !== null && isStale(path, owner, false);
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

/** Whether a process has certainly ended: its pid is free, or another's, or it is a zombie. */
function isGone(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const now = startTime(pid);
  return now !== undefined && start !== UNKNOWN && now !== start;
}

/** A new name that says who we are. */
export function ownName(): string {
  const start = startTime(process.pid) ?? UNKNOWN;
  return `wag-snap-${ownSpace()}-${process.pid}-${start}-${randomBytes(4).toString('hex')}`;
}

/** Ticks after boot, 'ended' for a zombie, or undefined when the system does not say. */
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
