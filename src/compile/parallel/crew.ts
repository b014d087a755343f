/**
 * The threads that compile an instance's functions. The thread that links them takes its part: it compiles pieces while
 * it waits for the next one.
 *
 * The thread that links blocks while it waits, as compiling blocks it anyway. Nothing depends on the others. When one
 * does not start, or dies, the linking thread compiles its piece, which only costs time. All threads end when nothing
 * is left or `stop` is called.
 */

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Target } from '../../arch/masm/target.js';
import { threadUrl } from '../../base/thread-url.js';
import { trace } from '../../base/trace.js';
import type { CodeGenerator } from '../generator.js';
import { Control } from './control.js';
import { type CodePiece, type PieceRange, type PlacedPiece, pieceRanges } from './piece.js';
import { PieceCompiler, type PieceContext, type PieceInstance } from './piece-compiler.js';
import type { ThreadData, ThreadMessage } from './thread.js';
import { receiveInstance, sendLayout, sendModule, sharedBytes, type ThreadInput } from './thread-input.js';

/**
 * Bytes of function bodies for each thread beyond the first. A thread takes half a second of processor time until V8 has
 * optimized the compiler for it, too: with 9 MB (esbuild) it takes a sixth of the work off the thread that links, with
 * 11 MB (Ruby) a third.
 */
export const BYTES_FOR_THREAD = 4_000_000;
/** No module is large enough to need more. */
const MAX_THREADS = 64;
/** Pieces for each thread that may be claimed and not linked: the first ones of a new thread take long. */
const AHEAD = 8;
/**
 * How long to wait for the next piece, when there is nothing else to do, before the linking thread compiles it: about
 * as long as that takes. The thread that has it may wait for a processor, or be dead.
 */
const PATIENCE_MS = 20;

export interface CrewInput {
  readonly target: Target;
  readonly generator: CodeGenerator;
  readonly instance: PieceInstance;
  readonly context: PieceContext;
  /** The defined function from which on pieces are wanted. */
  readonly first: number;
  readonly threads: number;
  /**
   * For tests: bytes of function bodies in a piece. When given, the linking thread leaves pieces to the other threads
   * if it can.
   */
  readonly pieceBytes?: number | undefined;
}

/** How many threads are worth having for so many bytes of function bodies, of those that are allowed. */
export function threadsFor(bodyBytes: number, jobs: number): number {
  return Math.min(jobs, MAX_THREADS, 1 + Math.floor(bodyBytes / BYTES_FOR_THREAD));
}

export class Crew {
  private readonly ranges: readonly PieceRange[];
  private readonly indexes = new Map<number, number>(); // by first function
  private readonly control: Control;
  private readonly ports: MessagePort[] = [];
  private readonly ready = new Map<number, CodePiece | undefined>();
  private readonly compiler: PieceCompiler;
  private readonly alwaysApart: boolean;
  private readonly file: string;
  /** The piece that is to be linked next. */
  private next = 0;
  /** How many pieces other threads have made. */
  private received = 0;

  constructor({ target, generator, instance, context, first, threads, pieceBytes }: CrewInput) {
    const { module, layout, file } = instance;
    this.ranges = pieceRanges(module.bodyStart, module.bodyEnd, first, pieceBytes);
    for (const [index, range] of this.ranges.entries()) this.indexes.set(range.first, index);
    this.alwaysApart = pieceBytes !== undefined;
    this.file = file;
    const ahead = AHEAD * threads;
    const words = Control.create();
    this.control = new Control(words, this.ranges.length, ahead);
    const input: ThreadInput = {
      target: { name: target.name, cpuNeeds: target.cpuNeeds },
      ranges: this.ranges,
      context,
      module: { ...sendModule(module), bytes: sharedBytes(module.bytes) },
      layout: sendLayout(layout),
      file,
    };
    this.compiler = new PieceCompiler(target, generator, receiveInstance(input), context);
    for (let i = 1; i < threads; i++) this.start(input, words, ahead);
  }

  private start(input: ThreadInput, control: Int32Array<SharedArrayBuffer>, ahead: number): void {
    const { port1, port2 } = new MessageChannel();
    const workerData: ThreadData = { input, control, ahead, port: port2 };
    port1.unref();
    this.ports.push(port1);
    const failed = (error: Error) => trace('compile', () => `a thread has ended: ${error.message}`);
    try {
      const worker = new Worker(threadUrl('src/compile/parallel/thread'), {
        workerData,
        transferList: [port2],
        execArgv: [],
      });
      worker.on('error', failed);
      worker.unref();
    } catch (error) {
      failed(error as Error); // a limit of threads, or a host that allows none
    }
  }

  /**
   * Waits for the piece that begins with defined function `first`; compiles other pieces meanwhile.
   * @returns undefined when the caller has to compile the function
   */
  piece(first: number): PlacedPiece | undefined {
    const index = this.indexes.get(first);
    if (index === undefined) return undefined;
    const { control, ready } = this;
    control.link(index);
    this.next = index;
    for (;;) {
      const seen = control.events;
      this.receive();
      if (ready.has(index)) break;
      const own = control.claim();
      if (own === index && !this.alwaysApart) break;
      if (own >= 0)
        ready.set(
          own,
          this.compiler.compile(this.ranges[own], () => true),
        );
      else if (!control.waitForEvent(seen, PATIENCE_MS)) break;
    }
    const piece = ready.get(index);
    ready.delete(index);
    return piece && { ...piece, ...this.ranges[index] };
  }

  private receive(): void {
    for (const port of this.ports) {
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
        const [index, piece] = got.message as ThreadMessage;
        if (index < this.next) continue; // it came too late
        this.ready.set(index, piece);
        this.received++;
      }
    }
  }

  /** Makes all threads end soon, also in the middle of a piece. */
  stop(): void {
    trace('compile', () => `${this.file}: ${this.received} of ${this.ranges.length} pieces came from other threads`);
    this.control.stop();
    for (const port of this.ports) port.close();
  }
}
