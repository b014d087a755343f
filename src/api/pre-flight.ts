/** What a host looks at before a program comes: all that is wrong is said at once. */

import { accessSync, constants, readFileSync, statfsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { systemReason, ToolError, WagSnapError } from '../base/errors.js';
import { removeStale } from '../base/temporary.js';

/** Several things are wrong. The exit code is that of the first one. */
class PreFlightError extends WagSnapError {
  readonly exitCode: number;
  constructor(errors: readonly WagSnapError[]) {
    const lines = errors.flatMap(({ headline, details }) => [headline, ...details].map((line) => `  ${line}`));
    super('pre-flight', `${hostname()} cannot take the program, for ${errors.length} reasons:`, lines);
    this.exitCode = errors[0].exitCode;
  }
}

export class PreFlight {
  private readonly errors: WagSnapError[] = [];

  /** @returns undefined when it is wrong, which end() says */
  async look<T>(check: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof WagSnapError) || error.code === 'bug') throw error;
      this.errors.push(error);
      return undefined;
    }
  }

  /** @throws WagSnapError with all that is wrong */
  end(): void {
    if (this.errors.length > 0) throw this.errors.length === 1 ? this.errors[0] : new PreFlightError(this.errors);
  }
}

/**
 * Checks that files for its output can be made in a folder, or that it can be made itself: nothing is, as the program may
 * not come. Removes what killed receivers have left.
 *
 * @throws ToolError
 */
export function checkOutputFolder(path: string): void {
  const fails = (what: string, error: unknown) => new ToolError('write', `${path}: ${what}: ${systemReason(error)}`);
  let there = path;
  for (;;) {
    try {
      if (statSync(there).isDirectory()) break;
      throw Object.assign(new Error(), { code: 'ENOTDIR' });
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(there) !== there;
      if (!isMissing) throw fails('the folder for its output cannot be made', error);
      there = dirname(there);
    }
  }
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw fails(`${there === path ? 'files' : 'the folder'} for its output cannot be made`, error);
  }
  removeStale(path, '.', 'files');
}

/** @param folder for what is received @param bytes of memory that the program uses. @throws ToolError */
export function checkSpace(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const room = bavail * bsize;
  if (bytes <= room) return;
  const what = `the program's memory has ${bytes} bytes, and there is room for ${room}`;
  throw new ToolError('space', `${folder}: ${what}: TMPDIR names another folder`);
}

/** @returns warnings: the kernel may still find the room when it is needed */
export function warnOfMemory(bytes: number): string[] {
  const available = availableMemory();
  if (available === undefined || bytes <= available) return [];
  return [`${hostname()} has ${available} bytes of memory available, the program uses ${bytes}`];
}

/** Bytes, with swap; undefined where the kernel does not say. */
function availableMemory(): number | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/meminfo', 'latin1');
  } catch {
    return undefined;
  }
  const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN);
  const available = (kibibytes('MemAvailable') + kibibytes('SwapFree')) * 1024;
  return Number.isNaN(available) ? undefined : available;
}
