/**
 * Compiles functions of a module whose bytes are still arriving (wasm/arriving-module.ts), to pieces that compileImage
 * takes when the module is complete.
 *
 * Data segments come after the code, so their number is unknown unless the module has counted them. Then everything
 * after their records in the instance's block has no place yet: functions that need one of these places are left out.
 */

import type { Target } from '../../arch/masm/target.js';
import { BugError } from '../../base/errors.js';
import { trace } from '../../base/trace.js';
import { InstanceLayout } from '../../image/instance-layout.js';
import type { ArrivingModule } from '../../wasm/arriving-module.js';
import type { Module } from '../../wasm/module.js';
import type { CodeGenerator } from '../generator.js';
import type { CodePiece, PlacedPiece } from '../parallel/piece.js';
import { PieceCompiler, type PieceInstance } from '../parallel/piece-compiler.js';
import { receiveInstance, type SentInstance, sendLayout, sendModule } from '../parallel/thread-input.js';
import { bodyBytesBetween } from './bodies.js';
import { chooseGenerator, sitesFor } from './compile.js';
import { DataLayout } from './data-layout.js';
import { type EarlyPieces, factsOf } from './early-pieces.js';
import { loadHostLayer } from './host-layer.js';
import { linkInstance } from './imports.js';
import { pieceContext } from './pieces-apart.js';
import { TextBuilder } from './text-builder.js';

export interface EarlyOptions {
  readonly target: Target;
  readonly deterministic: boolean;
  readonly allowMissingImports: boolean;
  /** As CompileOptions. */
  readonly sites: boolean;
  /** For tests: least bytes of function bodies in a piece. */
  readonly pieceBytes?: number;
}

/** The guest's instance. */
const GUEST = 1;
/** Least bytes of function bodies in a piece: less than in one for another thread, as the last one is given up. */
const PIECE_BYTES = 1 << 16;

interface Assumed {
  readonly instance: SentInstance;
  /** As another thread would have it. */
  readonly received: PieceInstance;
  readonly generator: CodeGenerator;
  readonly context: EarlyPieces['context'];
  readonly settledFrom: number;
}

export class EarlyCompiler {
  /** What the code depends on; null when nothing can be compiled early. */
  private assumed: Assumed | null | undefined;
  private readonly pieces: PlacedPiece[] = [];
  /** The next function, and about where its code will be. */
  private end = 0;
  private textOffset = 0;
  private bodyBytes = 0;
  private piece: { readonly end: number; readonly steps: Generator<void, CodePiece | undefined> } | undefined;

  constructor(
    private readonly module: ArrivingModule,
    private readonly options: EarlyOptions,
  ) {}

  /** Compiles a function. @returns false when there is nothing to do until more bytes have arrived */
  step(): boolean {
    this.piece ??= this.nextPiece();
    if (this.piece === undefined) return false;
    const { steps, end } = this.piece;
    const step = steps.next();
    if (!step.done) return true;
    const [first, { file }] = [this.end, this.module];
    this.piece = undefined;
    this.end = end;
    const outcome = step.value === undefined ? 'cannot be compiled early' : 'compiled early';
    trace('compile', () => `${file}: ${outcome}: defined functions ${first} to ${end - 1}`);
    if (step.value === undefined) return true;
    this.pieces.push({ ...step.value, first, end });
    this.bodyBytes += bodyBytesBetween(this.module.beginning!, first, end);
    return true;
  }

  /** What has been compiled; undefined when nothing has. */
  take(): EarlyPieces | undefined {
    if (!this.assumed || this.pieces.length === 0) return undefined;
    const { context, instance } = this.assumed;
    const { name, cpuNeeds } = this.options.target;
    const { pieces, end, bodyBytes } = this;
    return { target: { name, cpuNeeds }, instance: factsOf(instance), context, pieces, end, bodyBytes };
  }

  private nextPiece(): EarlyCompiler['piece'] {
    const { module, options } = this;
    const { beginning, bodies } = module;
    if (beginning === undefined) return undefined;
    if (this.assumed === undefined) this.assumed = this.assume(beginning);
    if (this.assumed === null) return undefined;
    const { received, generator, context, settledFrom } = this.assumed;
    const size = (defined: number) => beginning.bodyEnd[defined] - beginning.bodyStart[defined];
    while (this.textOffset < settledFrom && this.end < bodies) this.textOffset += size(this.end++); // as firstApart()
    let end = this.end;
    for (let bytes = 0; end < bodies && bytes < (options.pieceBytes ?? PIECE_BYTES); end++) bytes += size(end);
    if (end === this.end || (end === bodies && !module.hasAllBodies)) return undefined;
    const part = { ...received, module: { ...received.module, bytes: module.bytes } }; // which have grown
    const compiler = new PieceCompiler(options.target, generator, part, context);
    return { end, steps: compiler.steps({ first: this.end, end }) };
  }

  /** Links the module as far as it is there. @returns null where that is not possible */
  private assume(beginning: Module): Assumed | null {
    const { target, deterministic, allowMissingImports, sites } = this.options;
    const { file } = this.module;
    const isCounted = beginning.dataCount !== undefined;
    if (!isCounted && beginning.tags.length > 0) return null;
    try {
      const module = { ...beginning, bytes: this.module.bytes };
      const host = linkInstance([], 'host', loadHostLayer(), 'host layer');
      const guest = linkInstance([host], '', module, file, { allowMissing: allowMissingImports });
      const layout = new DataLayout([host, guest]);
      const generator = chooseGenerator();
      const hasSites = sites || guest.module.tags.length > 0;
      const tables = hasSites ? sitesFor([host, guest]) : undefined;
      const text = new TextBuilder(layout, { target, generator, deterministic, sites: tables });
      for (const _ of text.buildBeforeGuests());
      const context = pieceContext(guest, text.environment(guest), text);
      const instance = { module: sendModule(guest.module), layout: sendLayout(layout.layouts[GUEST]), file };
      const received = receiveInstance(instance, isCounted ? InstanceLayout : LayoutBeforeData);
      this.textOffset = text.masm.offset;
      return { instance, received, generator, context, settledFrom: text.masm.settledFrom };
    } catch (error) {
      trace('compile', () => `${file}: nothing is compiled early: ${(error as Error).message}`);
      return null;
    }
  }
}

/**
 * Of a module whose data segments are not counted: nothing that comes after their records has a place. As the module is
 * not linked, no memory, table or global of it is there.
 */
class LayoutBeforeData extends InstanceLayout {
  override elementSegmentOffset = unknown;
  override importPointerOffset = unknown;
  override recordImageOffset = unknown;
}

function unknown(): never {
  throw new BugError('this place depends on how many data segments there are');
}
