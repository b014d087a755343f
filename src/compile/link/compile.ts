/**
 * From decoded modules to an image: the one entry into the compiler.
 *
 *     link imports -> lay out DATA -> emit TEXT -> fill DATA -> describe -> lay out the file
 *
 * Function bodies are validated while they are compiled. Nothing is written here: see compile/link/write-file.ts.
 */

import type { Target } from '../../arch/masm/target.js';
import { align } from '../../base/align.js';
import { trace } from '../../base/trace.js';
import { SEGMENT_ALIGN } from '../../image/contract/sizes.js';
import type { InstanceLayout } from '../../image/instance-layout.js';
import { packModule } from '../../image/packed-module.js';
import { encodeIdentity, type Identity } from '../../image/tables/identity.js';
import { SiteTables } from '../../image/tables/site-tables.js';
import { checkRestored } from '../../wasm/entry.js';
import { outputLimits } from '../../wasm/limits.js';
import { ExternKind, type Module } from '../../wasm/module.js';
import { baseline } from '../baseline/generator.js';
import { Variation } from '../convention/variation.js';
import type { Debugging } from '../debugging.js';
import type { CodeGenerator } from '../generator.js';
import { blockingWindows } from './blocking-windows.js';
import { DataLayout } from './data-layout.js';
import { describe, functionNames, functionPlaces } from './describe.js';
import type { EarlyPieces } from './early-pieces.js';
import { embedderTable } from './embedder-table.js';
import { exceptionTables, throws } from './exception-tables.js';
import { dataSegmentBytes, finishData } from './finish-data.js';
import type { HostImports } from './host-imports.js';
import { loadHostLayer } from './host-layer.js';
import { type ImageParts, layOutFile, type Part } from './image-file.js';
import { findExport, type LinkOptions, linkInstance } from './imports.js';
import { definition, type LinkedInstance } from './linked-instance.js';
import { buildText } from './text-builder.js';

export interface ModuleInput {
  /** The name by which later modules import from this one; the main module may have one too. */
  readonly name?: string;
  readonly module: Module;
  /** For messages. */
  readonly file: string;
  /** Which of the modules before it each import module name means; default: the last one of that name. */
  readonly links?: ReadonlyMap<string, number>;
}

export interface CompileOptions {
  readonly target: Target;
  readonly deterministic?: boolean;
  readonly allowMissingImports?: boolean;
  /**
   * Which functions that nothing else provides are left to the embedder, the program that starts the process. Default:
   * none.
   */
  readonly hostImports?: HostImports | undefined;
  /**
   * Site tables and trap text; without them a process cannot be captured. The code is the same. Modules with tags have
   * them always: unwinding needs the sizes of frames. Default: true.
   */
  readonly sites?: boolean;
  /**
   * How many threads may compile functions, this one included; fewer are taken for a small module. The image is the
   * same. Default: 1.
   */
  readonly jobs?: number;
  /** What was compiled of the main module while it was read (early-compiler.ts). The image is the same. */
  readonly early?: EarlyPieces | undefined;
  /** Whether the image carries the modules. Default: true. */
  readonly includeModule?: boolean;
  /** A seed, for tests: makes the image as another version of the compiler might. See variation.ts. */
  readonly variation?: number;
  readonly debugging?: Debugging;
  /** For tests: bytes of function bodies that a thread compiles at a time, whatever the module's size. */
  readonly pieceBytes?: number;
  /** Called with the bytes of function bodies compiled so far, and the total. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Another host layer, for tests. */
  readonly hostLayer?: Module;
}

export class CompiledImage implements ImageParts {
  readonly parts: readonly Part[];
  readonly size: number;
  private assembled: Uint8Array | undefined;

  constructor(
    image: ImageParts,
    private readonly layout: DataLayout,
    readonly identity: Identity,
    /** The code without padding. */
    readonly text: Uint8Array,
  ) {
    this.parts = image.parts;
    this.size = image.size;
  }

  /** The whole file in one array. */
  get bytes(): Uint8Array {
    if (this.assembled) return this.assembled;
    const bytes = new Uint8Array(this.size);
    for (const part of this.parts) bytes.set(part.bytes, part.fileOffset);
    return (this.assembled = bytes);
  }

  /** By instance; the host layer is 0, so module i of the input is instance i + 1. */
  get layouts(): readonly InstanceLayout[] {
    return this.layout.layouts;
  }

  /** Image offset of the record of an exported function, undefined when there is no such export. */
  functionRecord(instance: number, exportName: string): number | undefined {
    const index = this.exportIndex(instance, exportName, ExternKind.Func);
    if (index === undefined) return undefined;
    return this.layout.functionRecord(...definition(this.layout.instances[instance], ExternKind.Func, index));
  }

  /** Image offset of an exported global's value. */
  globalCell(instance: number, exportName: string): number | undefined {
    const index = this.exportIndex(instance, exportName, ExternKind.Global);
    return index === undefined ? undefined : this.layout.globalCell(instance, index);
  }

  private exportIndex(instance: number, name: string, kind: ExternKind): number | undefined {
    const found = findExport(this.layout.instances[instance].module, name);
    return found?.kind === kind ? found.index : undefined;
  }
}

function variationOf({ variation }: CompileOptions): Variation | undefined {
  return variation === undefined ? undefined : new Variation(variation);
}

/** @param main the module that `debugging` is for */
export function chooseGenerator(debugging?: Debugging, main?: Module): CodeGenerator {
  return baseline(debugging, main);
}

export function sitesFor(instances: readonly LinkedInstance[]): SiteTables {
  const { tableWords, describedWords } = outputLimits(
    instances.reduce((sum, { module }) => sum + module.bytes.length, 0),
  );
  return new SiteTables(tableWords, describedWords);
}

/**
 * Compiles and links modules into an image. The last one is the main module: its _start is run; the others are
 * linked to it in order.
 * @throws ModuleError for an invalid or unlinkable module, LimitError
 */
export function compileImage(modules: readonly ModuleInput[], options: CompileOptions): CompiledImage {
  const steps = compileSteps(modules, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Work between two pauses, in milliseconds. */
const PAUSE_AFTER = 10;

/**
 * Does the same as compileImage, but pauses now and then, so that other work can run and the caller can cancel.
 *
 * @param pause what it throws ends the work
 */
export async function compileImageWithPauses(
  modules: readonly ModuleInput[],
  options: CompileOptions,
  pause: () => Promise<void>,
): Promise<CompiledImage> {
  const steps = compileSteps(modules, options);
  try {
    for (let last = performance.now(); ; ) {
      const step = steps.next();
      if (step.done) {
        await pause(); // a caller that has cancelled gets no image
        return step.value;
      }
      if (performance.now() - last < PAUSE_AFTER) continue;
      await pause();
      last = performance.now();
    }
  } finally {
    steps.return(undefined as never); // ends other threads
  }
}

/** Yields after each function, or piece of functions. */
function* compileSteps(modules: readonly ModuleInput[], options: CompileOptions): Generator<void, CompiledImage> {
  const { target, sites: wantSites = true, includeModule = true, deterministic = false, jobs = 1 } = options;
  const host = options.hostLayer ?? loadHostLayer();
  const instances: LinkedInstance[] = [];
  instances.push(linkInstance(instances, 'host', host, 'host layer'));
  for (const { name, module, file, links } of modules) {
    const instance = (from: string) => (links?.has(from) ? instances[links.get(from)! + 1] : undefined);
    const linking: LinkOptions = {
      allowMissing: options.allowMissingImports,
      hostImports: options.hostImports,
      resolve: links && instance,
    };
    instances.push(linkInstance(instances, name ?? '', module, file, linking));
  }
  const main = modules.at(-1);
  if (main !== undefined) checkRestored(main.module, main.file);
  const layout = new DataLayout(instances);
  const generator = chooseGenerator(options.debugging, modules.at(-1)?.module);
  const text = yield* buildText(layout, () => ({
    target,
    generator,
    deterministic,
    sites: wantSites || throws(instances) ? sitesFor(instances) : undefined,
    variation: variationOf(options),
    jobs: options.debugging === undefined ? jobs : 1,
    early: options.debugging === undefined ? options.early : undefined,
    pieceBytes: options.pieceBytes,
    onProgress: options.onProgress,
  }));
  const { sites } = text.options;
  const code = text.masm.code();
  const rodataStart = align(text.start + code.length, SEGMENT_ALIGN);
  finishData(layout, text, rodataStart);
  const constants = [dataSegmentBytes(layout)];
  const constantsEnd = () => constants.reduce((end, { length }) => end + length, rodataStart);
  const exceptions = sites && exceptionTables(layout, text.handlers, sites, constantsEnd());
  if (exceptions !== undefined) constants.push(exceptions);
  const imports = embedderTable(layout, constantsEnd());
  if (imports !== undefined) constants.push(imports);
  constants.push(blockingWindows(layout, text.windows, constantsEnd()));
  const carried = includeModule ? modules.map(({ module }) => packModule(module.bytes)) : undefined;
  const identity = describe(layout, text, { target, deterministic, carried });
  const image = layOutFile({
    target,
    data: layout.data,
    textStart: text.start,
    text: code,
    codeSize: text.codeSize,
    entry: text.start + text.stubs.offset('start'),
    rodataStart,
    constants,
    sites,
    names: sites ? functionNames(instances, text, sites) : [],
    places: sites ? functionPlaces(instances, sites) : new Uint8Array(0),
    identity: encodeIdentity(identity),
    modules: carried ?? [],
  });
  trace('compile', () => {
    const { functions, sites: rows } = sites ?? { functions: [], sites: [] };
    const tables = sites ? `${functions.length} words of functions and ${rows.length} of sites` : 'no site tables';
    return `${target.name}: ${text.codeSize} bytes of code, ${tables}, ${image.size} bytes of image`;
  });
  return new CompiledImage(image, layout, identity, code.subarray(0, text.codeSize));
}
