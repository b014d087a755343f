/**
 * Emits all of an image's text, in the order in which addresses become known:
 *
 *     stubs that need nothing     call_c, invoke, resume, land, unwind, signal return     (host-text.ts)
 *     the host layer's functions
 *     stubs that call them        start, signal entry, builtins
 *     thunks                      of each guest's imports
 *     trampolines                 of each function type that the host may call
 *     guests' functions           instance by instance
 *
 * Records a row of the function table for everything, so that any text offset has an owner.
 */

import { entrySlots, frameSizeFor, type MacroAssembler } from '../../arch/masm/masm.js';
import { align } from '../../base/align.js';
import { BugError, LimitError } from '../../base/errors.js';
import { trace } from '../../base/trace.js';
import { FUNC_IMPORT, FUNC_STUB, FUNC_TRAMPOLINE } from '../../image/contract/site-tables.js';
import { SEGMENT_ALIGN } from '../../image/contract/sizes.js';
import { HandlerTable } from '../../image/tables/handler-table.js';
import type { TrampolineIdentity } from '../../image/tables/identity.js';
import { outputLimits } from '../../wasm/limits.js';
import { ExternKind, type FuncType } from '../../wasm/module.js';
import { CallLayout } from '../convention/call-layout.js';
import { entrySite } from '../convention/entry-site.js';
import { BUILTINS, type CodeEnvironment } from '../convention/environment.js';
import { FUNCTION_ALIGN } from '../convention/function-align.js';
import type { InstanceCode } from '../generator.js';
import type { CodePiece, PlacedPiece } from '../parallel/piece.js';
import { type BlockingWindow, emitBlockingSyscall } from '../stubs/blocking-syscall.js';
import { callTo, type StubContext } from '../stubs/context.js';
import { embedderFrame, emitEmbedderThunk } from '../stubs/embedder-call.js';
import { emitTrampoline } from '../stubs/guest-entry.js';
import { areaSize, emitBuiltin, emitImportThunk, emitMissingThunk } from '../stubs/host-call.js';
import { emitSignalEntry } from '../stubs/signal.js';
import { emitStart } from '../stubs/start.js';
import { bodyBytesOf, inFunction } from './bodies.js';
import { constantGlobals } from './constant-globals.js';
import type { DataLayout } from './data-layout.js';
import { embedderOrdinals } from './embedder-table.js';
import { type HostInstance, hostEnvironment, stubContext } from './host-text.js';
import { hostTextFor } from './host-text-file.js';
import { findExport, funcType } from './imports.js';
import { definition, type LinkedInstance, Provider } from './linked-instance.js';
import { PiecesApart } from './pieces-apart.js';
import { StubTable } from './stub-table.js';
import type { TextOptions } from './text-options.js';

/**
 * Host functions with bodies of at most this many bytes are copied into each thunk. That saves a return after the
 * system call.
 */
const INLINE_LIMIT = 400;
/** DATA comes before TEXT and has at most 1 GiB, so everything is within reach of a 32-bit displacement. */
const MAX_TEXT = 0x3f000000;

export class TextBuilder {
  readonly masm: MacroAssembler;
  /** Image offset of TEXT. */
  readonly start: number;
  /** Of each instance: text offset of each defined function, and of each import's thunk or -1. */
  readonly functionOffsets: Int32Array[] = [];
  readonly thunkOffsets: Int32Array[] = [];
  readonly trampolines: TrampolineIdentity[] = [];
  readonly handlers = new HandlerTable();
  /** Bytes of code, without padding. */
  codeSize = 0;
  readonly stubs: StubTable;
  readonly windows: BlockingWindow[] = [];
  /** Least number of slots that callers of guest functions reserve: see baseline/tail-calls.ts. */
  readonly tailSlots: number;
  private readonly context: StubContext;
  private readonly host: HostInstance;
  /** Of each instance: the ordinals of its imports that are the embedder's. */
  private readonly ordinals: ReadonlyMap<number, Int32Array>;
  private hostCode!: InstanceCode;
  private compiledBytes = 0;
  private readonly bodyBytes: number;
  /** The most bytes of text to expect. */
  readonly textBytes: number;

  constructor(
    private readonly layout: DataLayout,
    readonly options: TextOptions,
  ) {
    const { data, instances } = layout;
    this.host = { module: instances[0].module, file: instances[0].file, layout: layout.layouts[0] };
    this.ordinals = embedderOrdinals(instances);
    this.start = align(data.start + data.bytes.length, SEGMENT_ALIGN);
    const wasmSize = instances.reduce((sum, { module }) => sum + module.bytes.length, 0);
    this.bodyBytes = instances.reduce((sum, { module }) => sum + bodyBytesOf(module), 0);
    const { target, variation } = options;
    this.textBytes = Math.max(65536, wasmSize * 3);
    this.masm = target.createAssembler(this.textBytes, variation?.plan(target.plan));
    this.masm.imageStart = this.start;
    this.masm.codeLimit = outputLimits(wasmSize).codeBytes;
    this.tailSlots = options.tailRoom ? this.greatestCall() : 0;
    this.context = stubContext(this.masm, layout.layouts[0]);
    this.stubs = new StubTable(this.masm, options.sites);
  }

  /**
   * Yields after each function, or piece of functions.
   *
   * @returns whether all went well: false when callers have to reserve more for tail calls (TextOptions.tailRoom)
   */
  *build(): Generator<void, boolean> {
    const { instances } = this.layout;
    yield* this.buildBeforeGuests();
    for (const instance of instances) {
      if (instance.index > 0 && (yield* this.compileInstance(instance)).lacksTailRoom) return false;
    }
    this.codeSize = this.masm.offset;
    this.masm.align(SEGMENT_ALIGN);
    return true;
  }

  /** All that comes before the guests' functions. */
  *buildBeforeGuests(): Generator<void, void> {
    const { instances } = this.layout;
    yield* this.appendHostText();
    this.emitHostStubs();
    for (const instance of instances) if (instance.index > 0) this.emitThunks(instance);
    this.hostCode.link();
    this.emitTrampolines();
  }

  /** Slots of the outgoing area that a call of a function of a type needs. */
  callSlots(type: FuncType): number {
    return this.callLayout(type).slots;
  }

  /** Text offset of the code of a function, given by its definition. */
  codeOffset(instance: number, index: number): number {
    const imported = this.layout.instances[instance].module.importedFuncCount;
    return index < imported ? this.thunkOffsets[instance][index] : this.functionOffsets[instance][index - imported];
  }

  private greatestCall(): number {
    let slots = 0;
    for (const { module, index } of this.layout.instances) {
      if (index > 0) for (const type of module.types) slots = Math.max(slots, this.callSlots(type));
    }
    return slots;
  }

  private *appendHostText(): Generator<void> {
    const { masm, host, options, stubs } = this;
    const { sites } = options;
    const text = yield* hostTextFor(host, options);
    masm.appendCode(text.code, text.references, 0);
    for (const stub of text.stubs) stubs.add(stub);
    this.windows.push(...text.windows);
    sites?.append(text.sites, 0);
    const emitWindow = () => this.windows.push(emitBlockingSyscall(this.context));
    const environment = hostEnvironment(host, options, stubs, sites, emitWindow);
    this.hostCode = options.generator.begin(masm, { ...host, environment });
    this.hostCode.functionOffsets.set(text.functionOffsets);
    this.functionOffsets[0] = this.hostCode.functionOffsets;
    this.compiled(this.layout.instances[0], this.hostCode, 0, text.functionOffsets.length);
  }

  private emitHostStubs(): void {
    const { context } = this;
    this.stubs.emit('start', () => emitStart(context, this.hostFunction('boot'), this.hostFunction('start')));
    this.stubs.emit('signal_entry', () => emitSignalEntry(context, this.hostFunction('on_signal')));
    for (const name of BUILTINS) {
      const layout = this.callLayout(funcType(this.host.module, this.hostExport(name)));
      const frame = frameSizeFor(this.masm.plan, 0);
      this.stubs.emit(name, () => emitBuiltin(context, layout, this.hostFunction(name)), FUNC_STUB, 0, frame);
    }
  }

  private emitThunks({ index, module, providers, hostIndexes }: LinkedInstance): void {
    const { context, masm } = this;
    const thunks = new Int32Array(module.importedFuncCount).fill(-1);
    this.thunkOffsets[index] = thunks;
    for (let i = 0; i < thunks.length; i++) {
      if (providers[i] === Provider.Instance) continue;
      const layout = this.callLayout(funcType(module, i));
      const provider = providers[i];
      masm.align(FUNCTION_ALIGN);
      thunks[i] = masm.offset;
      const frame =
        provider === Provider.Embedder
          ? embedderFrame(masm, layout)
          : frameSizeFor(masm.plan, provider === Provider.Missing ? 0 : 8 * layout.type.params.length);
      this.options.sites?.beginFunction(masm.offset, index, i, frame, FUNC_IMPORT);
      if (this.options.sites) entrySite(this.options.sites, masm, layout);
      if (provider === Provider.Missing) emitMissingThunk(context, this.hostFunction('raise'));
      else if (provider === Provider.Embedder) {
        const { call_embedder, embedder_trap } = this.embedderFunctions();
        emitEmbedderThunk(context, layout, this.ordinals.get(index)![i], call_embedder, embedder_trap);
      } else emitImportThunk(context, layout, () => this.emitHostFunction(hostIndexes[i]));
      this.options.sites?.endFunction(masm.offset);
    }
  }

  private embedderFunctions() {
    return { call_embedder: this.hostFunction('call_embedder'), embedder_trap: this.hostFunction('embedder_trap') };
  }

  /**
   * Emits a function of the host layer into a thunk: a short one inline, another as a call. An inline body gets a row
   * of the function table, to which the rest of the thunk belongs, too.
   */
  private emitHostFunction(index: number): void {
    const { masm, host } = this;
    const defined = index - host.module.importedFuncCount;
    if (host.module.bodyEnd[defined] - host.module.bodyStart[defined] > INLINE_LIMIT) {
      callTo(masm, this.codeOffset(0, index));
      return;
    }
    this.options.sites?.endFunction(masm.offset);
    masm.adjustSp(-8 * entrySlots(masm.plan));
    this.hostCode.compileInline(index);
  }

  /** Of the types of all functions that guests export or start with. */
  private emitTrampolines(): void {
    const { instances, entries, types } = this.layout;
    const wanted = new Set<number>();
    const add = (instance: number, index: number) => wanted.add(types.id(funcType(instances[instance].module, index)));
    for (const [instance, index] of entries) add(instance, index);
    for (const instance of instances) {
      if (instance.index === 0) continue;
      for (const { kind, index } of instance.module.exports) {
        if (kind === ExternKind.Func) add(...definition(instance, kind, index));
      }
    }
    for (const id of wanted) {
      const layout = this.callLayout(types.types[id]);
      let returnOffset = 0;
      const area = areaSize(Math.max(layout.slots, this.tailSlots));
      const emit = () => {
        returnOffset = emitTrampoline(this.context, layout, area);
      };
      this.stubs.emit(`entry ${id}`, emit, FUNC_TRAMPOLINE, id, area);
      this.trampolines.push({
        type: id,
        start: this.stubs.offset(`entry ${id}`),
        returnOffset,
        slots: area / 8,
      });
    }
  }

  /** All functions of an instance, or those up to the first that lacks room for a tail call. */
  private *compileInstance(instance: LinkedInstance): Generator<void, InstanceCode> {
    const { masm } = this;
    const { module, index, file } = instance;
    const layout = this.layout.layouts[index];
    const code = this.options.generator.begin(masm, { module, layout, environment: this.environment(instance), file });
    const count = module.funcTypes.length - module.importedFuncCount;
    const order = this.options.variation?.order(count);
    const apart = new PiecesApart(instance, layout, () => this.environment(instance), this);
    try {
      for (let i = 0; i < count; ) {
        masm.align(FUNCTION_ALIGN);
        const piece = apart.piece(i);
        if (piece !== undefined && this.hasRoomFor(piece)) {
          this.append(code, piece);
          this.compiled(instance, code, piece.first, piece.end);
          i = piece.end;
          yield;
          continue;
        }
        const funcIndex = module.importedFuncCount + (order?.[i] ?? i);
        try {
          code.compile(funcIndex);
        } catch (error) {
          throw inFunction(error, file, funcIndex);
        }
        if (code.lacksTailRoom) return code;
        const defined = funcIndex - module.importedFuncCount;
        this.compiled(instance, code, defined, defined + 1);
        if (masm.offset > MAX_TEXT) throw new LimitError('text-size', `${file}: the code exceeds ${MAX_TEXT} bytes`);
        i++;
        yield;
      }
    } finally {
      apart.stop();
    }
    code.link();
    this.functionOffsets[index] = code.functionOffsets;
    return code;
  }

  /** Counts and traces defined functions that were compiled one after the other. */
  private compiled({ module, file }: LinkedInstance, code: InstanceCode, first: number, end: number): void {
    for (let i = first; i < end; i++) {
      const body = module.bodyEnd[i] - module.bodyStart[i];
      this.compiledBytes += body;
      trace('compile', () => {
        const start = code.functionOffsets[i];
        const size = (i + 1 < end ? code.functionOffsets[i + 1] : this.masm.offset) - start;
        const place = `text+0x${start.toString(16)}`;
        return `${file}: function ${module.importedFuncCount + i}: ${body} bytes to ${size} at ${place}`;
      });
    }
    this.options.onProgress?.(this.compiledBytes, this.bodyBytes);
  }

  /**
   * Whether the piece can be appended without meeting a limit. If not, its functions are compiled one by one, to find
   * out which one meets it.
   */
  private hasRoomFor({ code, sites }: CodePiece): boolean {
    const { masm } = this;
    const size = masm.offset + code.length + 2 * FUNCTION_ALIGN;
    if (masm.offset < masm.settledFrom || size > MAX_TEXT || size > masm.codeLimit) return false;
    return sites === undefined || this.options.sites?.canAppend(sites) === true;
  }

  private append(code: InstanceCode, piece: PlacedPiece): void {
    const { masm } = this;
    const textOffset = masm.offset;
    masm.appendCode(piece.code, piece.references, piece.imageStart);
    code.adopt(piece.first, piece.functionOffsets, piece.calls, textOffset);
    this.handlers.append(piece.handlers, textOffset);
    if (piece.sites !== undefined) this.options.sites?.append(piece.sites, textOffset);
  }

  environment(instance: LinkedInstance): CodeEnvironment {
    const hostOnly = (): never => {
      throw new BugError('only the host layer has intrinsics');
    };
    const thunks = this.thunkOffsets[instance.index];
    return {
      isHost: false,
      deterministic: this.options.deterministic,
      sites: this.options.sites,
      handlers: this.handlers,
      tagRecord: (index) => this.layout.tagRecord(instance.index, index),
      variation: this.options.variation,
      tailSlots: this.tailSlots,
      thunkOffset: (index) => thunks[index],
      builtinOffset: (name) => this.stubs.offset(name),
      stubOffset: hostOnly,
      emitBlockingSyscall: hostOnly,
      constantGlobal: constantGlobals(this.layout.instances, instance),
    };
  }

  private hostExport(name: string): number {
    const found = findExport(this.host.module, name);
    if (found?.kind !== ExternKind.Func) throw new BugError(`the host layer does not export ${name}`);
    return found.index;
  }

  private hostFunction(name: string): number {
    return this.codeOffset(0, this.hostExport(name));
  }

  private callLayout(type: FuncType): CallLayout {
    return new CallLayout(type, this.masm.plan);
  }
}

/**
 * Emits text. If a tail call lacks room, emits all of it again, with room for any. Yields after each function.
 *
 * @param createOptions makes options for each attempt, with new tables to fill
 */
export function* buildText(layout: DataLayout, createOptions: () => TextOptions): Generator<void, TextBuilder> {
  const text = new TextBuilder(layout, createOptions());
  if (yield* text.build()) return text;
  const roomy = new TextBuilder(layout, { ...createOptions(), tailRoom: true });
  yield* roomy.build();
  return roomy;
}
