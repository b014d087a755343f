/**
 * Lowers a snapshot's frames onto a native stack: its bytes, the places in them that hold image offsets, and the
 * registers to continue with. The inverse of capture/lift.ts.
 *
 *     TH_STACK_TOP   outgoing area of the trampoline (empty for a program's entry)
 *                    return address into the trampoline
 *                    outermost frame, kind call
 *                    return address after its caller's call …
 *     sp ->          innermost frame, kind loop or return; at an entry only its return address, and not even
 *                    that on CPUs with a link register
 *
 * While wag_snap_restored runs there is a second stack of the same form below, which returns into a trampoline as well.
 *
 * Everything is checked against the module before a byte is written: sites and types in frame-recipe.ts, who calls whom
 * in call-chain.ts. This file checks that constants, and values that share a place, have the values that the code
 * relies on. So a snapshot can do no more than a hostile module could. All errors are InputError or LimitError.
 */

import { FLOAT_BASE, NO_REG } from '../arch/masm/masm.js';
import type { Target } from '../arch/masm/target.js';
import { InputError, LimitError } from '../base/errors.js';
import { CTX_FLOAT, CTX_GENERAL, CTX_PC, CTX_SIZE, CTX_SP } from '../image/contract/resume-plan.js';
import { STACK_MAX } from '../image/contract/sizes.js';
import type { ImageDescription } from '../image/reader.js';
import { FIRST_GUEST, type Frames, type Snapshot } from '../snapshot/snapshot.js';
import { type FuncType, type Module, ValType } from '../wasm/module.js';
import { typeOfCall } from './call.js';
import { CallChain } from './call-chain.js';
import { type FrameRecipe, frameRecipe, Put, Shape } from './frame-recipe.js';
import { FrameTypes, UNKNOWN_TYPE } from './frame-types.js';
import type { References } from './placed-references.js';
import { checkReference } from './reference-type.js';

/** The largest restored stack, as another code generator's frames may be larger than the captured ones. */
const STACK_LIMIT = STACK_MAX;

export interface LoweredRegisters {
  /** The CTX_* block; CTX_SP counts from TH_STACK_TOP. */
  readonly context: Uint8Array;
  /** Offsets in `context` of u64 words that hold image offsets. */
  readonly contextRelocations: readonly number[];
}

/** Its registers are those of the program. */
export interface LoweredStack extends LoweredRegisters {
  /** The stack's bytes, which end at TH_STACK_TOP. */
  readonly bytes: Uint8Array;
  /** Offsets in `bytes` of u64 words that hold image offsets. */
  readonly relocations: Uint32Array;
  /** The registers of wag_snap_restored, which runs first, below the program's frames. */
  readonly hook?: LoweredRegisters | undefined;
}

export function lowerStack(
  snapshot: Snapshot,
  image: ImageDescription,
  modules: readonly Module[],
  references: References,
  target: Target,
): LoweredStack {
  const { frames } = snapshot;
  if (frames.count === 0) throw new InputError('snapshot', 'snapshot: its stack has no frames');
  const recipes = checkFrames(snapshot, image, modules, references);
  const bottoms = [...(frames.suspended === undefined ? [] : [entered(image)]), bottom(snapshot, image, modules)];
  const stacks = measure(frames, recipes, bottoms, target);
  const { size } = stacks[0];
  if (size > STACK_LIMIT) {
    throw new LimitError(
      'stack',
      `snapshot: its ${frames.count} frames take ${size} bytes of stack, more than ${STACK_LIMIT}`,
    );
  }
  return new Lowering(snapshot, image, modules, recipes, references, target, stacks).run();
}

/** A stack of frames down to a trampoline: the program's, or before it that of wag_snap_restored. */
interface Stack {
  /** Its frames: from the first, up to `end`. */
  readonly first: number;
  readonly end: number;
  /** Image offset of the return address into the trampoline. */
  readonly returnOffset: number;
  /** Bytes from its sp to TH_STACK_TOP. */
  readonly size: number;
  /** Whether its innermost frame stands at an entry with its return address in the link register. */
  readonly returnsByRegister: boolean;
}

/** The stacks, the innermost first. */
function measure(
  frames: Frames,
  recipes: readonly (FrameRecipe | undefined)[],
  bottoms: readonly Bottom[],
  target: Target,
): Stack[] {
  const firsts = bottoms.length === 1 ? [0] : [0, frames.suspended!];
  const stacks: Stack[] = [];
  let size = 0;
  for (let n = bottoms.length - 1; n >= 0; n--) {
    const first = firsts[n];
    const end = firsts[n + 1] ?? frames.count;
    const returnsByRegister = target.plan.linkRegister !== NO_REG && frames.site(first).kind === 'entry';
    size = aligned(size) + 8 * bottoms[n].slots;
    for (let i = first; i < end; i++) size += recipes[frames.siteOf[i]]!.frameSize + 8;
    if (returnsByRegister) size -= 8;
    stacks.unshift({ first, end, returnOffset: bottoms[n].returnOffset, size, returnsByRegister });
  }
  return stacks;
}

/** As sp is where a trampoline begins. */
function aligned(size: number): number {
  return (size + 15) & ~15;
}

/** The recipes of the sites in use, by site index. Makes all checks but those of values. */
function checkFrames(
  snapshot: Snapshot,
  image: ImageDescription,
  modules: readonly Module[],
  references: References,
): (FrameRecipe | undefined)[] {
  const { frames } = snapshot;
  const { sites, siteOf, count } = frames;
  const recipes: (FrameRecipe | undefined)[] = new Array(sites.length).fill(undefined);
  const frameTypes = new FrameTypes();
  const chain = new CallChain(modules, references);
  for (let i = 0; i < count; i++) {
    const index = siteOf[i];
    const site = sites[index];
    const isFirst = i === 0 || i === frames.suspended;
    if ((site.kind === 'call') === isFirst) {
      throw new InputError('snapshot', `snapshot: frame #${i}: only the innermost frame can be at kind ${site.kind}`);
    }
    recipes[index] ??= frameRecipe(image, modules, site, i, frameTypes);
    if (i > 0 && isFirst) chain.checkHook(sites[siteOf[i - 1]], i - 1);
    else if (i > 0) chain.check(sites[siteOf[i - 1]], site, siteOf[i - 1] * sites.length + index, i);
  }
  chain.checkBottom(sites[siteOf[count - 1]], snapshot, count - 1);
  return recipes;
}

/** A trampoline that a stack returns into. */
interface Bottom {
  readonly returnOffset: number;
  /** Of its outgoing area. */
  readonly slots: number;
}

/**
 * The trampoline that enters the outermost function: that of a call's type, else the one without parameters and
 * results.
 */
function bottom({ phase, call }: Snapshot, image: ImageDescription, modules: readonly Module[]): Bottom {
  const type = phase.kind === 'call' && call ? typeOfCall(modules, call) : undefined;
  return entered(image, type);
}

/** @param type of the function that is entered; undefined: it takes and gives nothing */
function entered(image: ImageDescription, type?: FuncType): Bottom {
  const { trampolines, types, text } = image.identity;
  const [params, results] = [type?.params, type?.results].map((list) => (list ?? new Uint8Array(0)).join());
  const found = trampolines.find((one) => {
    return types[one.type].params.join() === params && types[one.type].results.join() === results;
  });
  if (found === undefined) throw new InputError('damaged-image', 'damaged image: no trampoline for its entry');
  return { returnOffset: text.imageOffset + found.returnOffset, slots: found.slots };
}

class Lowering {
  private readonly bytes: Uint8Array;
  private readonly words: Uint32Array;
  private readonly relocations: Uint32Array;
  private relocationCount = 0;
  /** Of the stack that is being lowered. */
  private registers = newRegisters();

  constructor(
    private readonly snapshot: Snapshot,
    private readonly image: ImageDescription,
    private readonly modules: readonly Module[],
    private readonly recipes: readonly (FrameRecipe | undefined)[],
    private readonly references: References,
    private readonly target: Target,
    private readonly stacks: readonly Stack[],
  ) {
    this.bytes = new Uint8Array(stacks[0].size);
    this.words = new Uint32Array(this.bytes.buffer);
    const { count, words } = snapshot.frames;
    this.relocations = new Uint32Array(count + words.length / 2);
  }

  run(): LoweredStack {
    const registers = this.stacks.map((stack) => this.putStack(stack));
    const [program, hook] = registers.reverse();
    return {
      ...program,
      ...(hook === undefined ? {} : { hook }),
      bytes: this.bytes,
      relocations: this.relocations.slice(0, this.relocationCount),
    };
  }

  private putStack({ first, end, returnOffset, size, returnsByRegister }: Stack): LoweredRegisters {
    const { siteOf } = this.snapshot.frames;
    this.registers = newRegisters();
    let sp = this.bytes.length - size;
    for (let i = first; i < end; i++) {
      const recipe = this.recipes[siteOf[i]]!;
      this.putFrame(i, recipe, sp);
      sp += recipe.frameSize;
      const outer = i + 1 < end ? this.recipes[siteOf[i + 1]]!.codeOffset : returnOffset;
      if (i === first && returnsByRegister) {
        this.putRegister(this.target.plan.linkRegister, outer, 0, true);
      } else {
        this.putPointer(sp, outer);
        sp += 8;
      }
    }
    this.putRegisters(first, size);
    return this.registers;
  }

  private putFrame(frame: number, recipe: FrameRecipe, sp: number): void {
    const { frames } = this.snapshot;
    const { put, place, shape, word, types } = recipe;
    const first = frames.starts[frame] * 2;
    const values = frames.words;
    for (let n = 0; n < put.length; n++) {
      const from = first + word[n];
      let lo = values[from];
      let hi = shape[n] === Shape.Narrow ? 0 : values[from + 1];
      const kind = put[n];
      if (kind === Put.Nowhere) continue;
      if (kind === Put.EqualsValue || kind === Put.EqualsConstant) {
        const other = kind === Put.EqualsValue ? values : recipe.constants;
        const at = kind === Put.EqualsValue ? first + word[place[n]] : place[n];
        if (lo !== other[at] || (shape[n] !== Shape.Narrow && hi !== other[at + 1])) throw this.disagrees(frame, n);
        if (shape[n] === Shape.Vector && (values[from + 2] !== other[at + 2] || values[from + 3] !== other[at + 3])) {
          throw this.disagrees(frame, n);
        }
        if (types[n] !== UNKNOWN_TYPE) this.checkReference(frame, n, types[n], lo, hi);
        continue;
      }
      if (shape[n] === Shape.Vector) this.putUpper(kind, place[n], sp, values[from + 2], values[from + 3]);
      const reference = shape[n] === Shape.Reference || shape[n] === Shape.Exception;
      let target = 0;
      if (reference) {
        const type = shape[n] === Shape.Exception ? ValType.ExnRef : ValType.FuncRef;
        target = this.references.place(type, lo, hi, () => `frame #${frame}: value ${n}`);
      }
      if (types[n] !== UNKNOWN_TYPE) this.checkReference(frame, n, types[n], lo, hi);
      if (reference) {
        lo = target;
        hi = 0;
      }
      if (kind === Put.Register) this.putRegister(place[n], lo, hi, reference && lo !== 0);
      else if (reference && lo !== 0) this.putPointer(sp + place[n], lo);
      else {
        const at = (sp + place[n]) >>> 2;
        this.words[at] = lo;
        this.words[at + 1] = hi;
      }
    }
  }

  private checkReference(frame: number, n: number, type: number, lo: number, hi: number): void {
    const { instance } = this.snapshot.frames.site(frame);
    checkReference(this.modules, this.modules[instance], type, lo, hi, () => `frame #${frame}: value ${n}`);
  }

  /** The upper half of a v128, in the word after the lower one. */
  private putUpper(kind: Put, place: number, sp: number, lo: number, hi: number): void {
    if (kind === Put.Register) this.putContext(registerPlace(place) + 8, lo, hi);
    else {
      const at = (sp + place + 8) >>> 2;
      this.words[at] = lo;
      this.words[at + 1] = hi;
    }
  }

  private putPointer(at: number, imageOffset: number): void {
    this.words[at >>> 2] = imageOffset;
    this.words[(at >>> 2) + 1] = 0;
    this.relocations[this.relocationCount++] = at;
  }

  private putRegister(register: number, lo: number, hi: number, pointer: boolean): void {
    const at = registerPlace(register);
    this.putContext(at, lo, hi);
    if (pointer) this.registers.contextRelocations.push(at);
  }

  private putContext(at: number, lo: number, hi: number): void {
    this.registers.view.setUint32(at, lo, true);
    this.registers.view.setUint32(at + 4, hi, true);
  }

  /** Sets the pinned registers, sp and pc. The memory base becomes known only when start has mapped the memory. */
  private putRegisters(frame: number, size: number): void {
    const { frames } = this.snapshot;
    const { view, contextRelocations } = this.registers;
    const { instance } = frames.site(frame);
    const block = this.image.identity.instances[instance + FIRST_GUEST].start;
    this.putRegister(this.target.plan.instance, block, 0, true);
    view.setUint32(CTX_PC, this.recipes[frames.siteOf[frame]]!.codeOffset, true);
    contextRelocations.push(CTX_PC);
    view.setBigInt64(CTX_SP, -BigInt(size), true);
  }

  private disagrees(frame: number, n: number): InputError {
    const site = this.snapshot.frames.site(frame);
    const what = n < site.locals.length ? `local ${n}` : `operand ${n - site.locals.length}`;
    return new InputError(
      'snapshot',
      `snapshot: frame #${frame} (function ${site.func} at ${site.offset}): ${what} has another value than the code gives it`,
    );
  }
}

function newRegisters() {
  const context = new Uint8Array(CTX_SIZE);
  const contextRelocations: number[] = [];
  return { context, view: new DataView(context.buffer), contextRelocations };
}

/** Offset of a register in the CTX_* block, in bytes. */
function registerPlace(register: number): number {
  return register >= FLOAT_BASE ? CTX_FLOAT + (register - FLOAT_BASE) * 16 : CTX_GENERAL + register * 8;
}
