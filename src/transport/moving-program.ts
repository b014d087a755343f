/** What a move needs from the program that is moved: the source's side of one that runs here. */

import type { SentFile } from './file-sender.js';
import type { MissingPages } from './owing.js';

/** A program that stands still to be moved. */
export interface ParkedProgram {
  /** When it was asked to stop: performance.now(). */
  readonly stopRequested: number;
  /** Keeps it parked from now on, even if this tool dies. */
  keep(): Promise<void>;
  /** Lets it continue after keep(). */
  resumeKept(): Promise<void>;
  /** Ends it. @param successor where it continues, for its last message */
  end(successor: string): Promise<void>;
}

/** Takes a program. */
export interface ProgramTaker {
  /** Takes bytes of the snapshot's file, which may change when it has resolved. */
  send(bytes: Uint8Array, offset: number): Promise<void>;
  /** Before a round, or the rest: the most bytes that will be sent. */
  expect(bytes: number): void;
  /** Everything that has changed was sent, while the program runs. */
  round(): Promise<void>;
  /** After a round: what has changed meanwhile, in bytes, and how long it would take, in milliseconds. */
  left(bytes: number, pause: number): void;
  /** Whether the other side still has other things to do: then a round takes longer. */
  isBusy(): boolean;
  /** Milliseconds that it will stand still for the link and the other side, beside what its pages take. */
  fixedPause(): number;
  /** Milliseconds of it that the other side needs, whatever the link does; 0: that is not known. */
  leastPause(): number;
  /** Resolves once it may be stopped. @returns whether that was so before: the program has written nothing meanwhile */
  mayStop(): Promise<boolean>;
  /**
   * It stands still, and continues when this is through, unless it was kept or ended.
   *
   * @param file what was not sent @param missing what the file does not have yet, of a lazy move
   */
  take(parked: ParkedProgram, file: SentFile, missing?: MissingPages): Promise<void>;
}

/** The program that is to be moved. */
export interface MovingProgram {
  readonly pid: number;
  /** What it is and has open, without its modules and its memory, of which `send` gets the bytes that are in use. */
  outline(send: (file: SentFile, memory: number) => Promise<void>): Promise<void>;
  /** The binaries of its modules, one after the other. @throws InputError when its image does not carry them */
  modules(): SentFile;
  /**
   * Stops it when little is left to be sent, and gives `take` all of its state. Afterwards it continues, unless it was
   * kept or ended.
   */
  handOver(taker: ProgramTaker): Promise<void>;
}
