/**
 * A thread that compiles pieces, as long as there are any: started by crew.ts, with what it needs in workerData. Hands
 * them over by its port, and ends by itself.
 */

import { type MessagePort, workerData } from 'node:worker_threads';
import { targetOf } from '../../arch/targets.js';
import { baseline } from '../baseline/generator.js';
import { Control } from './control.js';
import { buffersOf, type CodePiece } from './piece.js';
import { PieceCompiler } from './piece-compiler.js';
import { receiveInstance, type ThreadInput } from './thread-input.js';

export interface ThreadData {
  readonly input: ThreadInput;
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly ahead: number;
  readonly port: MessagePort;
}

/** The piece is undefined when the linking thread must compile its functions. */
export type ThreadMessage = readonly [index: number, piece: CodePiece | undefined];

const { input, control: words, ahead, port } = workerData as ThreadData;
const control = new Control(words, input.ranges.length, ahead);
const target = targetOf(input.target.name, input.target.cpuNeeds);
const compiler = new PieceCompiler(target, baseline(), receiveInstance(input), input.context);

while (control.waitForWork()) {
  const index = control.claim();
  if (index < 0) continue;
  const piece = compiler.compile(input.ranges[index], () => !control.stopped);
  port.postMessage([index, piece] satisfies ThreadMessage, piece === undefined ? [] : buffersOf(piece));
  control.announce();
}
port.close();
