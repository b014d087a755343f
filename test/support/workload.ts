/**
 * Runs images as processes in tests: compile a module, start it, wait for output, capture it, restore it and collect
 * what all pieces printed. All of this is done in this process, without the command line, so that a capture and a
 * restore take milliseconds.
 *
 * Deletes nothing by itself: `temporaryFolder` is removed at the end of the test file.
 */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { EmbedderConnection } from '../../src/api/embedder/connection.js';
import type { Imports } from '../../src/api/embedder/import-object.js';
import { findEmulator, launch } from '../../src/api/launch.js';
import { filesOf } from '../../src/api/stored-snapshot.js';
import type { ArchName, Target } from '../../src/arch/masm/target.js';
import { targets } from '../../src/arch/targets.js';
import { compileImage, type ModuleInput } from '../../src/compile/link/compile.js';
import type { HostImports } from '../../src/compile/link/host-imports.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { type ImageDescription, readImage } from '../../src/image/reader.js';
import type { Directory, FdPolicy } from '../../src/restore/grants.js';
import { writeResumable } from '../../src/restore/restore.js';
import type { CaptureReport } from '../../src/snapshot/capture-report.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import type { Snapshot, StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { decodeModule } from '../../src/wasm/decode.js';
import type { Module } from '../../src/wasm/module.js';
import { readModuleBytes } from '../../src/wasm/wat.js';
import { capturePid } from './capture.js';
import { nativeArch } from './native-arch.js';

/** A folder for the files of a test file: called inside of a test it would not be removed. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Path of a program of fixtures/programs. */
export function programPath(name: string): string {
  return resolve(import.meta.dirname, '../../fixtures/programs', `${name}.wasm`);
}

/** A compiled module: the image's path and everything restore needs. */
export interface Built {
  readonly path: string;
  /** Of each guest instance; the last one is the main module. */
  readonly modules: readonly Module[];
  readonly image: ImageDescription;
  readonly target: Target;
}

/** Whether images for a CPU can be started here, by themselves or through qemu-user. */
export function canRun(arch: ArchName): boolean {
  return arch === process.arch || findEmulator(arch) !== undefined;
}

export interface BuildOptions {
  /** Default: this machine's. */
  readonly arch?: ArchName;
  readonly deterministic?: boolean;
  readonly allowMissingImports?: boolean;
  readonly hostImports?: HostImports;
  /** Another compiler: see src/compile/convention/variation.ts. */
  readonly variation?: number;
  /** Modules that it is linked to, as text, by the name that it imports them by. */
  readonly linked?: Readonly<Record<string, string>>;
}

/** Compiles a module (a path, or bytes in either format) to an image at `path`. */
export async function build(source: string | Uint8Array, path: string, options: BuildOptions = {}): Promise<Built> {
  const file = typeof source === 'string' ? source : 'test module';
  const inputs: ModuleInput[] = [];
  for (const [name, text] of Object.entries(options.linked ?? {})) {
    inputs.push({ name, module: decodeModule(await readModuleBytes(Buffer.from(text)), name), file: name });
  }
  inputs.push({ module: decodeModule(await readModuleBytes(source, file), file), file });
  const target = targets[options.arch ?? nativeArch];
  const compiled = compileImage(inputs, { ...options, target });
  writeImage(compiled, path);
  return { path, modules: inputs.map(({ module }) => module), image: readImage(compiled.bytes), target };
}

export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly dirs?: readonly Directory[];
  /** 'pipe' gives Workload.stdin; the default is no input. */
  readonly stdin?: 'pipe' | 'ignore';
  /** Descriptors 3 and up; 'pipe' is a socket to this process: `socket` gives its end. */
  readonly descriptors?: readonly (number | 'pipe')[];
  /** Functions that it calls: its embedder is at the descriptor after those. */
  readonly imports?: Imports | undefined;
  readonly argv0?: string;
  /** Another program that starts it, with its options: `pid` is that one's. */
  readonly through?: readonly string[];
}

export interface Ending {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, or the name of the signal. */
  readonly code: number | NodeJS.Signals;
}

/** A running image. */
export class Workload {
  private readonly out: Buffer[] = [];
  private readonly err: Buffer[] = [];
  private readonly closed: Promise<number | NodeJS.Signals>;
  private watchers: (() => void)[] = [];
  /** Whether all of its output has come, which is after its end. */
  private isComplete = false;

  private constructor(
    private readonly child: ChildProcess,
    readonly embedder?: EmbedderConnection,
  ) {
    child.stdout?.on('data', (data: Buffer) => {
      this.out.push(data);
      this.wake();
    });
    child.stderr?.on('data', (data: Buffer) => {
      this.err.push(data);
      this.wake();
    });
    this.closed = new Promise((done, fail) => {
      child.once('error', fail);
      child.once('close', (code, signal) => done(signal ?? code ?? -1));
    });
    const complete = () => {
      this.isComplete = true;
      this.wake();
    };
    this.closed.then(complete, complete);
  }

  static start(image: string, options: StartOptions = {}): Workload {
    const dirs = options.dirs?.map(({ host, guest, readOnly }) => `${host}::${guest}${readOnly ? ':ro' : ''}`);
    const env = { ...options.env, ...(dirs?.length ? { WAGSNAP_DIR: dirs.join('\n') } : {}) };
    const stdio: StdioOptions = [options.stdin ?? 'ignore', 'pipe', 'pipe', ...(options.descriptors ?? [])];
    const embedder = stdio.length;
    if (options.imports) stdio.push('pipe');
    if (options.imports) Object.assign(env, { WAGSNAP_EMBEDDER: `${embedder}` });
    const { program, args, argv0 } = launch(image, options.argv0 ?? 'program');
    const words = [...args, ...(options.args ?? [])];
    const [first, ...rest] = options.through ?? [];
    if (first === undefined) {
      const child = spawn(program, words, { env, stdio, argv0 });
      if (options.imports === undefined) return new Workload(child);
      return new Workload(child, new EmbedderConnection(child.stdio[embedder] as Socket, options.imports));
    }
    return new Workload(
      spawn(first, [...rest, program, ...words], { env: { ...env, PATH: process.env['PATH'] }, stdio }),
    );
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get stdin(): NodeJS.WritableStream {
    return this.child.stdin!;
  }

  /** This side of a descriptor that was 'pipe'. */
  socket(descriptor: number): Socket {
    return this.child.stdio[descriptor] as Socket;
  }

  get stdout(): string {
    return Buffer.concat(this.out).toString('latin1');
  }

  get stderr(): string {
    return Buffer.concat(this.err).toString('latin1');
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves when stdout has `text`; rejects when the process ends first. */
  waitFor(text: string): Promise<void> {
    return this.waitUntil((stdout) => stdout.includes(text), JSON.stringify(text));
  }

  /** Resolves when stdout is as wanted; rejects when the process ends first. @param what is waited for, for people */
  async waitUntil(wanted: (stdout: string) => boolean, what: string): Promise<void> {
    while (!wanted(this.stdout)) {
      if (this.isComplete) throw new Error(`ended without ${what}: ${JSON.stringify(this.stdout)}`);
      await new Promise<void>((done) => this.watchers.push(done));
    }
  }

  /** Resolves when it has trapped and is parked (WAGSNAP_ON_TRAP=park). @returns its message about the trap */
  async waitForTrap(): Promise<string> {
    while (!/parked at the trap.*\n/.test(this.stderr)) {
      if (this.isComplete) throw new Error(`ended without a trap: ${JSON.stringify(this.stderr)}`);
      await new Promise<void>((done) => this.watchers.push(done));
    }
    return this.stderr.slice(0, this.stderr.indexOf('wag-snap: '));
  }

  /** Resolves when it has ended and its output is complete. */
  async ended(): Promise<Ending> {
    const code = await this.closed;
    return { stdout: this.stdout, stderr: Buffer.concat(this.err).toString('latin1'), code };
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }

  private wake(): void {
    const { watchers } = this;
    this.watchers = [];
    for (const watcher of watchers) watcher();
  }
}

/**
 * Milliseconds that a process has for its start, and again until it comes to a safepoint: on a slow machine, emulated.
 */
const PATIENCE = 60_000;
const MOST_CAPTURES = 1000;

/** Captures a workload and ends it. @param parent the snapshot is a difference to it */
export async function captureAndEnd(workload: Workload, file: string, parent?: StoredSnapshot): Promise<CaptureReport> {
  return capturePid(workload.pid, { output: file, kill: true, timeout: PATIENCE, parent });
}

/**
 * Captures a workload that stays somewhere, once it is there: what it prints can be read before the call that prints it
 * has returned. It continues.
 *
 * @param isThere whether a snapshot is of that place
 */
export async function captureThere(
  workload: Workload,
  file: string,
  isThere: (snapshot: Snapshot) => boolean,
): Promise<{ snapshot: Snapshot; report: CaptureReport }> {
  for (let captures = 0; ; captures++) {
    const report = await capturePid(workload.pid, { output: file, timeout: PATIENCE });
    const { snapshot } = readSnapshot(file);
    if (isThere(snapshot)) return { snapshot, report };
    if (captures === MOST_CAPTURES) throw new Error(`never there: ${JSON.stringify(snapshot.frames.site(0))}`);
  }
}

/** The same snapshot with another rest of the sleep that it was taken in. @param nanoseconds that remain */
export function withTimeLeft(stored: StoredSnapshot, nanoseconds: bigint): StoredSnapshot {
  const { snapshot } = stored;
  return { ...stored, snapshot: { ...snapshot, host: { ...snapshot.host, pendingTimeout: nanoseconds } } };
}

export interface RestoreSettings {
  readonly dirs?: readonly Directory[];
  readonly stdin?: 'pipe' | 'ignore';
  /** Copy the pages into the image instead of mapping them from the snapshot. */
  readonly selfContained?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly policies?: ReadonlyMap<number, FdPolicy>;
  /** Called when the image is written, and nothing of the snapshot is open yet. */
  readonly beforeStart?: () => void;
  readonly imports?: Imports | undefined;
}

/** Restores a snapshot, with its ancestors found, onto a fresh image of its module and starts it; `output` is the resumable image to write. */
export async function restoreAndStart(
  snapshot: string | StoredSnapshot,
  { image, modules, target }: Built,
  output: string,
  settings: RestoreSettings = {},
): Promise<Workload> {
  const stored = typeof snapshot === 'string' ? readSnapshot(snapshot) : snapshot;
  const source = settings.selfContained ? undefined : 3;
  await writeResumable(stored, image, modules, {
    target,
    output,
    sourceFd: source,
    directories: settings.dirs,
    policies: settings.policies,
    recordedDirectories: true,
  });
  const { stdin, env, imports } = settings;
  settings.beforeStart?.();
  if (source === undefined) return Workload.start(output, { stdin, env, imports });
  const descriptors = filesOf(stored).map((path) => openSync(path, 'r'));
  try {
    return Workload.start(output, { stdin, env, imports, descriptors });
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}
