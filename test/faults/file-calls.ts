/**
 * Faults inside of this process: of all calls of node:fs on files below a folder, one fails, or it is the last one before
 * the tool is killed. A call costs microseconds here, where a command costs a third of a second: so all of them can be
 * tried. What may happen to a command besides (signals, half of a write) is command.ts.
 *
 * To be installed before the sources are loaded: some of them keep a call that they have made a promise of.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';

/** What happens to a call. After `killed` no later call does anything. */
export type Act = 'ENOSPC' | 'EIO' | 'killed';

const ON_PATHS =
  'openSync opendirSync readFileSync writeFileSync readlinkSync readdirSync mkdirSync renameSync linkSync unlinkSync copyFileSync chmodSync utimesSync statSync lstatSync rmSync';
const ON_FILES = 'readSync writeSync fsyncSync fdatasyncSync ftruncateSync fchmodSync fstatSync closeSync';
const LATER = 'open read write fsync fdatasync';
/** Calls for which a disk has no space. */
const WRITES = /^(open|write|mkdir|link|copyFile|ftruncate|fsync|fdatasync|rename)/;
/** Those that a disk without a free byte refuses. */
const GROWS = /^(write|mkdir|copyFile)/;

// biome-ignore lint/suspicious/noExplicitAny: functions of any kind, which are passed on
type Calls = Record<string, (...args: any[]) => unknown>;

export class FileCalls {
  /** The calls since arm(), in their order. */
  labels: string[] = [];
  private readonly originals = { ...fs } as unknown as Calls;
  private readonly paths = new Map<number, string>();
  private armed: { readonly at: number; readonly act: Act } | undefined;
  private isFull: () => boolean = () => false;
  private isCounting = false;
  private isDead = false;
  private depth = 0;

  constructor(private readonly folder: string) {
    for (const name of ON_PATHS.split(' ')) this.wrap(name, (path) => path);
    for (const name of ON_FILES.split(' ')) this.wrap(name, (fd) => this.paths.get(fd as number));
    for (const name of LATER.split(' ')) this.wrapLater(name);
    syncBuiltinESMExports();
  }

  /**
   * From now on calls are counted, from 0.
   *
   * @param isFull whether the disk has no free byte
   */
  arm(fault?: { readonly at: number; readonly act: Act }, isFull = () => false): void {
    this.armed = fault;
    this.isFull = isFull;
    this.labels = [];
    this.isCounting = true;
    this.isDead = false;
  }

  /** @returns whether the fault has happened */
  disarm(): boolean {
    this.isCounting = this.isDead = false;
    return this.armed !== undefined && this.labels.length > this.armed.at;
  }

  /** What can happen to a call. */
  static actsFor(label: string): Act[] {
    return WRITES.test(label) ? ['ENOSPC', 'EIO', 'killed'] : ['EIO', 'killed'];
  }

  uninstall(): void {
    for (const name of `${ON_PATHS} ${ON_FILES} ${LATER}`.split(' '))
      (fs as unknown as Calls)[name] = this.originals[name]!;
    syncBuiltinESMExports();
  }

  /** @param isNew whether it makes a file. @throws what the call shall throw instead of being made */
  private enter(name: string, path: unknown, isNew: boolean): void {
    if (!this.isCounting || typeof path !== 'string' || !path.startsWith(this.folder)) return;
    if (this.isDead) throw failure('EIO', name, path);
    const { armed } = this;
    const at = this.labels.push(`${name} ${path.slice(this.folder.length).replace(/\d+/g, 'N')}`) - 1;
    if (armed?.at !== at) {
      if ((GROWS.test(name) || isNew) && this.isFull()) throw failure('ENOSPC', name, path);
      return;
    }
    if (armed.act === 'killed') this.isDead = true;
    throw failure(armed.act === 'killed' ? 'EIO' : armed.act, name, path);
  }

  private wrap(name: string, pathOf: (first: unknown) => unknown): void {
    const original = this.originals[name]!;
    (fs as unknown as Calls)[name] = (...args) => {
      if (this.depth > 0) return original(...args);
      const path = pathOf(args[0]);
      try {
        this.enter(name, path, name === 'openSync' && /[wa]/.test(String(args[1])));
      } catch (error) {
        if (name === 'closeSync') original(...args); // Linux has closed it all the same
        throw error;
      }
      if (name === 'closeSync') this.paths.delete(args[0]);
      this.depth++;
      try {
        const result = original(...args);
        if (name === 'openSync') this.paths.set(result as number, String(path));
        return result;
      } finally {
        this.depth--;
      }
    };
  }

  private wrapLater(name: string): void {
    const original = this.originals[name]!;
    (fs as unknown as Calls)[name] = (...args) => {
      const done = args.at(-1);
      const path = name === 'open' ? args[0] : this.paths.get(args[0]);
      try {
        this.enter(name, path, name === 'open' && /[wa]/.test(String(args[1])));
      } catch (error) {
        return process.nextTick(done, error);
      }
      if (name !== 'open') return original(...args);
      return original(...args.slice(0, -1), (error: unknown, fd: number) => {
        if (!error) this.paths.set(fd, String(path));
        done(error, fd);
      });
    };
  }
}

function failure(code: 'ENOSPC' | 'EIO', name: string, path: string): Error {
  const syscall = name.replace('Sync', '');
  const error = new Error(`${code}: injected, ${syscall} '${path}'`);
  return Object.assign(error, { code, errno: -constants.errno[code], syscall, path });
}
