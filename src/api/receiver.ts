/** Receives a workload on this host: checks what it needs, restores it, and lets it begin when the source says so. */

import { mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { ArchName } from '../arch/masm/target.js';
import { targets } from '../arch/targets.js';
import { BugError, InputError, LimitError, systemReason, ToolError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import { makeTemporaryFolder, nameTemporary, removeTemporary } from '../base/temporary.js';
import { ImageCache } from '../image/cache.js';
import type { ObtainedImage } from '../image/image-source.js';
import type { Grants } from '../restore/grants.js';
import { imageRequest } from '../restore/restore.js';
import { readSnapshotModule } from '../snapshot/format.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { ProcessEnd } from '../transport/attached-streams.js';
import type { Bytes, Hello } from '../transport/messages.js';
import type { HeldProgram, TargetHost } from '../transport/target.js';
import { cachedImages } from './cached-image.js';
import { type Held, holdProgram } from './held-program.js';
import { findEmulator } from './launch.js';
import { grantsOf } from './peer-grants.js';
import type { Prepared } from './prepared.js';
import { checkName } from './process-options.js';
import type { ReceiveOptions } from './receive-options.js';
import { grantsFor } from './restore-grants.js';
import { checkHere, prepareRestored, readRestorable } from './restored-image.js';
import { WorkloadSlots } from './workload-slots.js';

/** The largest received file in bytes, holes included. No snapshot is larger. */
const FILE_MAX = 2 ** 44;
/** The most bytes of a received file that are not memory: modules, frames, tables. */
const BESIDE_MEMORY = 2 ** 30;

export class Receiver implements TargetHost {
  private readonly folder = makeTemporaryFolder();
  private readonly files = new Map<Bytes['file'], FileHandle>();
  private hello: Hello | undefined;
  private arch: ArchName = 'x64';
  private modules: readonly Uint8Array[] = [];
  private outline: StoredSnapshot | undefined;
  private image: ObtainedImage | undefined;
  private prepared: Prepared | undefined;
  private held: Held | undefined;
  private giveBack = () => {};

  constructor(
    private readonly options: ReceiveOptions,
    /** Counts the programs of all receivers together. */
    private readonly slots = new WorkloadSlots(Infinity),
    /** Told how a program that has begun ends. */
    private readonly onEnded: (pid: number, ending: ProcessEnd) => void = () => {},
  ) {}

  async write({ file, offset, data }: Bytes): Promise<void> {
    const most = this.maxMemory === undefined ? FILE_MAX : this.maxMemory + BESIDE_MEMORY;
    if (offset + data.length > most) {
      throw new LimitError('size', `the ${file} that is sent has more than ${most} bytes, which none has here`);
    }
    const handle = this.files.get(file) ?? (await open(this.path(file), 'wx+', 0o600));
    this.files.set(file, handle);
    try {
      for (let at = 0; at < data.length; ) {
        at += (await handle.write(data, at, data.length - at, offset + at)).bytesWritten;
      }
    } catch (error) {
      throw new ToolError('write', `${this.folder}: the ${file} cannot be written: ${systemReason(error)}`);
    }
  }

  async look(hello: Hello, size: number) {
    this.hello = hello;
    this.giveBack = this.slots.take();
    if (hello.workload !== null) checkName(hello.workload);
    this.arch = hello.arch ?? (process.arch === 'arm64' ? 'arm64' : 'x64');
    if (this.arch !== process.arch && findEmulator(this.arch) === undefined) {
      throw new ToolError('no-emulator', `${hostname()} cannot run programs for ${this.arch}: no qemu-user there`);
    }
    this.outline = await this.complete('outline', size);
    if (this.outline.snapshot.call !== undefined) {
      const why = 'its results are for the tool that has made it';
      throw new InputError('call', `a call (run --invoke) cannot be moved: ${why}`);
    }
    this.checkMemory(this.outline);
    const { warnings } = await this.grants(this.outline);
    makeFolder(this.outputDir);
    return { version: ownPackage().version, arch: this.arch, host: hostname(), warnings };
  }

  async compile() {
    const { outline } = this;
    const modules = outline?.snapshot.modules.flatMap((module) => readSnapshotModule(outline, module) ?? []) ?? [];
    if (outline === undefined || modules.length !== outline.snapshot.modules.length) {
      throw new InputError('no-module', 'the outline that was sent has no module');
    }
    this.modules = modules;
    this.image = cachedImages(new ImageCache())(imageRequest(outline, modules, targets[this.arch]));
    return { cached: !this.image.compiled };
  }

  async prepare(size: number): Promise<HeldProgram> {
    const stored = await this.complete('snapshot', size);
    const { grants } = await this.grants(stored);
    this.checkMemory(stored);
    const { hello, modules, arch } = this;
    const maxMemory = this.maxMemory;
    this.prepared = await prepareRestored(
      stored,
      { arch, grants, modules, name: hello?.workload ?? undefined, maxMemory },
      false,
    );
    this.held = await holdProgram(this.prepared, this.outputDir, nameOf(stored), hello?.attach ?? false);
    return this.held;
  }

  async discard(): Promise<void> {
    const { held, prepared } = this;
    if (held?.hasBegun) {
      // an emulator opens the image again, so its folder must stay as long as the process
      if (!held.emulated) prepared?.release();
      const { pid } = held;
      void held.ended.then((ending) => {
        prepared?.release();
        this.giveBack();
        this.onEnded(pid, ending);
      });
    } else {
      held?.end();
      prepared?.release();
      this.giveBack();
    }
    this.image?.release();
    for (const handle of this.files.values()) await handle.close().catch(() => {});
    removeTemporary(this.folder);
  }

  private path(file: Bytes['file']): string {
    const path = join(this.folder, file);
    nameTemporary(path, `the ${file} that was sent`);
    return path;
  }

  private async complete(file: Bytes['file'], size: number): Promise<StoredSnapshot> {
    await this.write({ name: 'bytes', file, offset: 0, data: Buffer.alloc(0) });
    await this.files.get(file)?.truncate(Math.min(size, FILE_MAX));
    return readRestorable(this.path(file));
  }

  private async grants(stored: StoredSnapshot): Promise<{ grants: Grants; warnings: string[] }> {
    const { hello } = this;
    if (hello === undefined) throw new BugError('nothing was said of what is to be granted');
    const grants = await grantsFor(stored, await grantsOf(hello, this.options.grants));
    return { grants, warnings: await checkHere(stored, grants, hello.strictFiles) };
  }

  private get maxMemory(): number | undefined {
    const limits = [this.options.maxMemory, this.hello?.maxMemory ?? undefined].filter((limit) => limit !== undefined);
    return limits.length === 0 ? undefined : Math.min(...limits);
  }

  /** Checks the size before everything is sent. */
  private checkMemory({ snapshot }: StoredSnapshot): void {
    const WASM_PAGE = 65536;
    const memories = snapshot.instances.flatMap((instance) => instance.memories);
    const bytes = memories.reduce((sum, { pages }) => sum + pages * WASM_PAGE, 0);
    const limit = this.maxMemory ?? Infinity;
    if (bytes <= limit) return;
    throw new LimitError('limit', `the program has ${bytes} bytes of memory, ${hostname()} allows ${limit}`);
  }

  private get outputDir(): string {
    const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
    return resolve(this.hello?.outputDir ?? this.options.outputDir ?? join(state, 'wag-snap', 'output'));
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ToolError('write', `${path}: the folder for its output cannot be made: ${systemReason(error)}`);
  }
}

function nameOf({ snapshot }: StoredSnapshot): string {
  return (snapshot.name ?? snapshot.modules.at(-1)?.name ?? '').replace(/[^\w.+-]/g, '_') || 'program';
}
