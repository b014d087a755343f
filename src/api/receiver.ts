/** Receives a workload on this host: checks what it needs, restores it, and lets it begin when the source says so. */

import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { ArchName } from '../arch/masm/target.js';
import { targets } from '../arch/targets.js';
import { BugError, InputError, LimitError, systemReason, ToolError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { nameTemporary } from '../base/temporary-names.js';
import { quoted } from '../base/terminal-text.js';
import { userFolder } from '../base/user-folders.js';
import { ImageCache } from '../image/cache.js';
import type { Grants } from '../restore/grants.js';
import { Ground, imageRequest, keyedImageRequest } from '../restore/ground.js';
import { LazyPages, unitBytes } from '../restore/lazy-pages.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { ProcessEnd } from '../transport/attached-streams.js';
import type { Bytes, Hello } from '../transport/messages.js';
import type { HeldProgram, TargetHost } from '../transport/target.js';
import { lookUp, obtainMeanwhile } from './cached-image.js';
import { type Held, holdProgram, type ProgramOutput } from './held-program.js';
import { findEmulator } from './launch.js';
import { OutputFiles } from './output-files.js';
import { grantsOf } from './peer-grants.js';
import { checkOutputFolder, checkSpace, PreFlight, warnOfMemory } from './pre-flight.js';
import type { Prepared } from './prepared.js';
import { checkName } from './process-options.js';
import type { ReceiveOptions } from './receive-options.js';
import { grantsFor } from './restore-grants.js';
import { checkHere, prepareRestored, type RestoreRequest, readRestorable, rehearseRestored } from './restored-image.js';
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
  private outline: StoredSnapshot | undefined;
  private compiling: Promise<unknown> | undefined;
  private ground: Ground | undefined;
  /** The binaries of the program's modules, when they were sent. */
  private modules: readonly Uint8Array[] = [];
  /** Aborted when nobody needs the image any more. */
  private readonly unneeded = new AbortController();
  private prepared: Prepared | undefined;
  private held: Held | undefined;
  private pages: LazyPages | undefined;
  private giveBack = () => {};
  /** Whether the program ends with this process. */
  protected readonly withParent: boolean = false;
  protected readonly mayHaveClosed: boolean = false;

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

  async look(hello: Hello, size: number, memory: number) {
    this.hello = hello;
    const flight = new PreFlight();
    this.giveBack = (await flight.look(() => this.slots.take())) ?? this.giveBack;
    await flight.look(() => (hello.workload === null ? '' : checkName(hello.workload)));
    this.arch = hello.arch ?? (process.arch === 'arm64' ? 'arm64' : 'x64');
    await flight.look(() => this.checkCpu());
    const outline = await this.complete('outline', size);
    this.outline = outline;
    await flight.look(() => checkNoCall(outline));
    await flight.look(() => this.checkTrust(outline));
    await flight.look(() => this.checkMemory(outline));
    await flight.look(() => checkSpace(this.folder, memory));
    const found = await flight.look(() => this.grants(outline));
    if (hello.outputDir === null || this.options.grants === undefined) {
      await flight.look(() => checkOutputFolder(this.outputDir));
    }
    flight.end();
    this.ground = this.openCached(outline);
    const warnings = [...(found?.warnings ?? []), ...warnOfMemory(memory)];
    const needsModules = this.ground === undefined;
    return { version: ownPackage().version, arch: this.arch, host: hostname(), warnings, needsModules };
  }

  /** @throws InputError for what whoever asked for it does not believe */
  protected checkTrust(_outline: StoredSnapshot): void {}

  /** @throws ToolError when programs for it cannot run here */
  private checkCpu(): void {
    if (this.arch === process.arch || findEmulator(this.arch) !== undefined) return;
    throw new ToolError('no-emulator', `${hostname()} cannot run programs for ${this.arch}: no qemu-user there`);
  }

  compile(): Promise<{ cached: boolean; preparing: number }> {
    const compiling = this.obtain();
    this.compiling = compiling;
    return compiling;
  }

  private async obtain(): Promise<{ cached: boolean; preparing: number }> {
    const { outline, modules } = this;
    if (outline === undefined) throw new BugError('compile: nothing was sent');
    if (this.ground === undefined) {
      const request = imageRequest(outline, modules, targets[this.arch]);
      const obtained = await obtainMeanwhile('apart', request, new ImageCache(), this.unneeded.signal);
      this.ground = Ground.open(outline, modules, obtained);
    }
    const isUnneeded = this.unneeded.signal.aborted;
    const preparing = isUnneeded ? 0 : await rehearseRestored(outline, () => this.request(outline));
    return { cached: !this.ground.compiled, preparing: Math.ceil(preparing) };
  }

  /** The program's image, if the cache has it: then its modules are here, too. */
  private openCached(outline: StoredSnapshot): Ground | undefined {
    const cache = new ImageCache();
    const { found } = lookUp(keyedImageRequest(outline, targets[this.arch]), cache);
    if (found === undefined) cache.close();
    return found && Ground.openCarrying(outline, found);
  }

  async takeModules(size: number): Promise<void> {
    const { outline } = this;
    if (outline === undefined) throw new BugError('takeModules: nothing was sent');
    const modules = outline.snapshot.modules;
    const all = modules.reduce((sum, { size }) => sum + size, 0);
    if (size !== all || size > BESIDE_MEMORY) {
      throw new InputError('stream', `the modules that were sent have ${size} bytes, the outline says ${all}`);
    }
    const bytes = Buffer.alloc(size);
    await this.files.get('modules')?.read(bytes, 0, size, 0);
    let at = 0;
    this.modules = modules.map(({ size, sha256, name }) => {
      const module = bytes.subarray(at, (at += size));
      if (createHash('sha256').update(module).digest('hex') === sha256) return module;
      throw new InputError('stream', `the module ${quoted(name)} that was sent is not the one that the outline names`);
    });
  }

  async prepare(size: number, missing?: Uint8Array): Promise<HeldProgram> {
    const stored = await this.complete('snapshot', size);
    const pages = missing && this.lazyPages(stored, size, missing);
    this.checkMemory(stored);
    this.prepared = await prepareRestored(stored, await this.request(stored), false);
    const name = nameOf(stored);
    const output = await this.makeOutput(name);
    const { withParent } = this;
    const attached = this.hello?.attach ?? false;
    this.held = await holdProgram(this.prepared, output, name, { attached, withParent, lazy: pages });
    return this.held;
  }

  /** Checks everything that it needs once more. */
  private async request(stored: StoredSnapshot): Promise<RestoreRequest> {
    const { arch, ground, maxMemory } = this;
    const { grants } = await this.grants(stored);
    return { arch, grants, ground, name: this.hello?.workload ?? undefined, maxMemory };
  }

  /** Where the program prints. */
  protected async makeOutput(name: string): Promise<ProgramOutput> {
    return new OutputFiles(this.outputDir, name);
  }

  async discard(): Promise<void> {
    this.unneeded.abort();
    await this.compiling?.catch(() => {});
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
    this.ground?.close();
    this.pages?.close();
    for (const handle of this.files.values()) await handle.close().catch(() => {});
    removeTemporary(this.folder);
  }

  /** @param missing bit n is set when unit n of the snapshot's file comes later */
  private lazyPages({ snapshot }: StoredSnapshot, size: number, missing: Uint8Array): LazyPages {
    if (missing.length !== unitBytes(size) || snapshot.ancestors !== undefined || this.hello?.attach) {
      throw new InputError('stream', 'the list of pages that come later does not belong to the snapshot');
    }
    this.pages = new LazyPages(join(this.folder, 'pages'), this.hello?.from ?? 'the source', missing);
    return this.pages;
  }

  private path(file: Bytes['file']): string {
    const path = join(this.folder, file);
    nameTemporary(path, file === 'outline' ? 'the program' : `the ${file} that was sent`);
    return path;
  }

  private async complete(file: Bytes['file'], size: number): Promise<StoredSnapshot> {
    await this.write({ name: 'bytes', file, offset: 0, data: Buffer.alloc(0) });
    await this.files.get(file)?.truncate(Math.min(size, FILE_MAX));
    return await readRestorable(this.path(file));
  }

  private async grants(stored: StoredSnapshot): Promise<{ grants: Grants; warnings: string[] }> {
    const { hello } = this;
    if (hello === undefined) throw new BugError('nothing was said of what is to be granted');
    const { mayHaveClosed } = this;
    const grants = await grantsFor(stored, { ...(await grantsOf(hello, this.options.grants)), mayHaveClosed });
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
    const who = limit === this.options.maxMemory ? hostname() : '--max-memory';
    throw new LimitError('limit', `the program has ${bytes} bytes of memory, ${who} allows ${limit}`);
  }

  private get outputDir(): string {
    return resolve(this.hello?.outputDir ?? this.options.outputDir ?? join(userFolder('XDG_STATE_HOME'), 'output'));
  }
}

/** @throws InputError */
function checkNoCall({ snapshot }: StoredSnapshot): void {
  if (snapshot.call === undefined) return;
  const why = 'its results are for the tool that has made it';
  throw new InputError('call', `a call (run --invoke) cannot be moved: ${why}`);
}

function nameOf({ snapshot }: StoredSnapshot): string {
  return (snapshot.name ?? snapshot.modules.at(-1)?.name ?? '').replace(/[^\w.+-]/g, '_') || 'program';
}
