/**
 * A snapshot's open file. When another file takes its name, memories are still read from the open file; reads that go
 * by the name are refused.
 */

import { resolve } from 'node:path';
import { InputError, UsageError } from '../base/errors.js';
import { openDestination } from '../base/output.js';
import { believe } from '../snapshot/belief.js';
import { locateAncestors } from '../snapshot/chain.js';
import { ChainFiles } from '../snapshot/chain-files.js';
import { indexSpaces } from '../snapshot/coredump-instances.js';
import { readSnapshotModule } from '../snapshot/format.js';
import type { FrameSite, StoredSnapshot } from '../snapshot/snapshot.js';
import { SnapshotFile } from '../snapshot/snapshot-file.js';
import { StoredMemory } from '../snapshot/stored-pages.js';
import { decodeModule } from '../wasm/decode.js';
import type { Module } from '../wasm/module.js';
import { functionNames, snapshotFacts, traceOf } from './describe-snapshot.js';
import type { SnapshotDescription } from './description.js';
import { keyFiles } from './key-files.js';
import type { Snapshot, SnapshotFrames, SnapshotMemory, SnapshotModule } from './snapshot.js';
import { FramesView, type FunctionNames } from './stored-frames.js';
import { InstanceView, type Shared } from './stored-instance.js';
import { MemoryView } from './stored-memory.js';
import { type ChainOptions, filesOf, placesFor, readOwn } from './stored-snapshot.js';

export class OpenedSnapshot implements Snapshot {
  readonly kind = 'snapshot';
  readonly frames: SnapshotFrames;
  private readonly files: ChainFiles;
  private isOpen = true;
  private belief: Promise<void> | undefined;
  private views: readonly InstanceView[] | undefined;
  private decoded: (Module | undefined)[] | undefined;
  private readonly functions = new Map<FrameSite, FunctionNames>();

  /**
   * Ancestors may be missing. Only reading memory that is in a missing file is then an error.
   *
   * @throws InputError when the file is not a snapshot or is damaged, ToolError when it cannot be read
   */
  static async open(path: string, options: ChainOptions): Promise<OpenedSnapshot> {
    const places = await placesFor(options);
    const stored = await readOwn(path, places);
    const keys = keyFiles(options);
    let snapshot: OpenedSnapshot;
    try {
      snapshot = new OpenedSnapshot(await locateAncestors(stored, places), undefined, keys);
    } catch (error) {
      if (!(error instanceof InputError) || error.code !== 'no-parent') throw error;
      snapshot = new OpenedSnapshot(stored, error, keys);
    }
    try {
      snapshot.checkSame(snapshot.files.own);
      return snapshot;
    } catch (error) {
      snapshot.close();
      throw error;
    }
  }

  private constructor(
    private readonly stored: StoredSnapshot,
    private readonly missing: InputError | undefined,
    /** What it was opened with: no output may replace it. */
    private readonly keys: readonly string[],
  ) {
    this.files = new ChainFiles(stored);
    this.frames = new FramesView(stored.snapshot.frames, (site) => this.namesOf(site));
  }

  get path(): string {
    return this.stored.path;
  }

  get size(): number {
    return this.stored.size;
  }

  get name(): string | undefined {
    return this.stored.snapshot.name;
  }

  get digest(): string | undefined {
    return this.stored.digest;
  }

  get parent(): string | undefined {
    return this.stored.snapshot.parent;
  }

  get generation(): number {
    return this.stored.snapshot.generation;
  }

  get created(): Date {
    return new Date(this.stored.snapshot.created);
  }

  get source(): Snapshot['source'] {
    return this.stored.snapshot.source;
  }

  get trap(): Snapshot['trap'] {
    return this.stored.snapshot.trap;
  }

  get modules(): readonly SnapshotModule[] {
    return this.stored.snapshot.modules.map((module) => {
      const { name, sha256, size } = module;
      return { name, sha256, size, bytes: () => readSnapshotModule(this.unchanged(), module) };
    });
  }

  get instances(): readonly InstanceView[] {
    if (this.views !== undefined) return this.views;
    const { snapshot } = this.stored;
    const modules = this.decodedModules();
    const { instances } = snapshot;
    const checkOpen = () => this.checkOpen();
    const believed = () => this.believed();
    const shared: Shared = {
      memories: instances
        .flatMap(({ memories }) => memories)
        .map((memory) => new MemoryView(new StoredMemory(this, memory), checkOpen, believed)),
      tables: instances.flatMap(({ tables }) => tables),
      globals: instances.flatMap(({ globals }) => globals),
    };
    const spaces = indexSpaces(snapshot, modules);
    return (this.views = spaces.map((space) => new InstanceView(space, modules[space.module]?.exports ?? [], shared)));
  }

  get args(): readonly string[] {
    return this.stored.snapshot.host.args.map(textOf);
  }

  get env(): readonly string[] {
    return this.stored.snapshot.host.env.map(textOf);
  }

  get descriptors(): Snapshot['descriptors'] {
    return snapshotFacts(this.stored, this.path, []).host.descriptors;
  }

  /** See NumberedFiles. */
  file(number: number): SnapshotFile {
    if (number > 0 && this.missing !== undefined) throw this.missing;
    return this.files.file(number);
  }

  memory(memory: number | string = 0): SnapshotMemory {
    const instance = this.instances.at(-1);
    if (instance === undefined) throw new UsageError(`${this.path}: it has no instance`);
    return instance.memory(memory);
  }

  describe(): SnapshotDescription {
    const stored = this.unchanged();
    return snapshotFacts(stored, this.path, traceOf(stored));
  }

  async coredump({ to }: { readonly to: string }): Promise<void> {
    const { writeCoredump } = await import('../snapshot/coredump.js');
    if (this.missing !== undefined) throw this.missing;
    await this.believed();
    await writeCoredump(this.unchanged(), openDestination(resolve(to), [...filesOf(this.stored), ...this.keys]));
  }

  close(): void {
    this.files.close();
    this.isOpen = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private decodedModules(): readonly (Module | undefined)[] {
    this.decoded ??= this.stored.snapshot.modules.map((module) => {
      const bytes = readSnapshotModule(this.unchanged(), module);
      return bytes && decodeModule(bytes, module.name);
    });
    return this.decoded;
  }

  private namesOf(site: FrameSite): FunctionNames {
    let names = this.functions.get(site);
    if (names === undefined) this.functions.set(site, (names = this.findNames(site)));
    return names;
  }

  private findNames({ instance, func }: FrameSite): FunctionNames {
    const module = this.decodedModules()[this.stored.snapshot.instances[instance].module];
    return {
      name: (module && functionNames(module).get(func)) || `func-${func}`,
      locals: module?.names?.locals.get(func) ?? new Map(),
      bodyStart: module?.bodyStart[func - module.importedFuncCount],
    };
  }

  private unchanged(): StoredSnapshot {
    this.checkOpen();
    const file = new SnapshotFile(this.path, this.stored.packing);
    try {
      this.checkSame(file);
    } finally {
      file.close();
    }
    return this.stored;
  }

  /** Compares first bytes: they hold a hash of everything but the pages, so they identify a snapshot. */
  private checkSame(file: SnapshotFile): void {
    const { prologue, path } = this.stored;
    if (prologue !== undefined && file.bytes(0, prologue.length).equals(prologue)) return;
    throw new InputError('snapshot', `${path}: has been replaced by another file since it was opened`);
  }

  /** Resolves when pages may be used: a signature that is demanded covers them by digests, which are compared once. */
  private async believed(): Promise<void> {
    if (this.stored.mustBeSigned && this.missing !== undefined) throw this.missing;
    await (this.belief ??= believe(this.stored));
  }

  private checkOpen(): void {
    if (!this.isOpen) throw new UsageError(`${this.path}: the snapshot has been closed`);
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
