/**
 * Compiles pieces of an instance's text (piece.ts), on the thread that links and on others alike.
 *
 * Reports no error. The linking thread compiles the functions of a piece that fails, in their order, and so meets the
 * same error as without other threads.
 */

import { CodeReferences } from '../../arch/masm/code-references.js';
import type { Target } from '../../arch/masm/target.js';
import { BugError } from '../../base/errors.js';
import { HandlerTable } from '../../image/tables/handler-table.js';
import { SiteTables } from '../../image/tables/site-tables.js';
import type { Builtin, CodeEnvironment } from '../convention/environment.js';
import { FUNCTION_ALIGN } from '../convention/function-align.js';
import type { CodeGenerator, InstanceInput } from '../generator.js';
import type { CodePiece, PieceRange } from './piece.js';

/** Bytes of code to expect for each byte of a body: more makes the buffer grow. */
const EXPANSION = 3;

/** What code depends on besides module and layout; can be sent to another thread. */
export interface PieceContext {
  readonly deterministic: boolean;
  /** Limits of the site tables; undefined: no tables. */
  readonly tableLimits: { readonly tableWords: number; readonly describedWords: number } | undefined;
  readonly tailSlots: number;
  /** Image offset of text, and how many bytes text is expected to have. */
  readonly imageStart: number;
  readonly textBytes: number;
  /** Text offsets of thunks, by imported function, and of stubs, by name. */
  readonly thunks: Int32Array;
  readonly builtins: Readonly<Record<Builtin, number>>;
  /** Image offsets of tag records. */
  readonly tagRecords: readonly number[];
  /** Three words a global: whether its value is known, low and high word. */
  readonly constantGlobals: Int32Array;
}

export type PieceInstance = Pick<InstanceInput, 'module' | 'layout' | 'file'>;

export class PieceCompiler {
  constructor(
    private readonly target: Target,
    private readonly generator: CodeGenerator,
    private readonly instance: PieceInstance,
    private readonly context: PieceContext,
  ) {}

  /**
   * @param proceed asked before each function; false abandons the piece
   * @returns undefined when the linking thread must compile the functions
   */
  compile(range: PieceRange, proceed: () => boolean): CodePiece | undefined {
    const steps = this.steps(range);
    while (proceed()) {
      const step = steps.next();
      if (step.done) return step.value;
    }
    return undefined;
  }

  /** The same; yields after each function. */
  *steps({ first, end }: PieceRange): Generator<void, CodePiece | undefined> {
    const { instance, context, target } = this;
    const { module } = instance;
    const masm = target.createAssembler(
      EXPANSION * (module.bodyEnd[end - 1] - module.bodyStart[first]) + 1024,
      undefined,
      context.textBytes,
    );
    masm.imageStart = context.imageStart;
    masm.references = new CodeReferences();
    const { tableLimits } = context;
    const sites = tableLimits && new SiteTables(tableLimits.tableWords, tableLimits.describedWords);
    sites?.shapes.startLog();
    const handlers = new HandlerTable();
    const environment = environmentOf(context, sites, handlers);
    const code = this.generator.begin(masm, { ...instance, environment });
    try {
      for (let i = first; i < end; i++) {
        masm.align(FUNCTION_ALIGN);
        code.compile(module.importedFuncCount + i);
        if (code.lacksTailRoom) return undefined;
        yield;
      }
    } catch {
      return undefined;
    }
    return {
      code: masm.code().slice() as Uint8Array<ArrayBuffer>,
      imageStart: context.imageStart,
      references: masm.references.list(),
      functionOffsets: code.functionOffsets.slice(first, end) as Int32Array<ArrayBuffer>,
      calls: code.takeCalls(),
      handlers: handlers.rows(),
      sites: sites?.rows(),
    };
  }
}

function environmentOf(context: PieceContext, sites: SiteTables | undefined, handlers: HandlerTable): CodeEnvironment {
  const { deterministic, tailSlots, thunks, builtins, tagRecords, constantGlobals } = context;
  const hostOnly = (): never => {
    throw new BugError('only the host layer has intrinsics');
  };
  return {
    isHost: false,
    deterministic,
    sites,
    handlers,
    tailSlots,
    thunkOffset: (index) => thunks[index],
    tagRecord: (tag) => tagRecords[tag],
    builtinOffset: (name) => builtins[name],
    stubOffset: hostOnly,
    emitBlockingSyscall: hostOnly,
    constantGlobal: (index) =>
      constantGlobals[3 * index] === 0
        ? undefined
        : { lo: constantGlobals[3 * index + 1], hi: constantGlobals[3 * index + 2] },
  };
}
