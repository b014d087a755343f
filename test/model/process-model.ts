/**
 * The process's half of the stop protocol as a small machine: src/runtime/process/signals.ts, park.ts and lifeline.ts,
 * with a step for each access to what a tool may write, or look at, in between. Tools are numbered; a tool that has a
 * pid in the process's namespace is named by it, one that has none by 0, and holds a lifeline.
 *
 *     run ── signal ──> run, STOPPING ── safepoint ──> clear ─> publish ─> look <──> wait ── command, death, patience ──> back
 *                                                                           ^  └─> give up: 3 steps ─┘
 */

import {
  COMMAND_EXIT,
  COMMAND_HOLD,
  COMMAND_KEEP,
  COMMAND_NONE,
  COMMAND_RESUME,
  STATE_PARKED,
  STATE_RUNNING,
  STATE_STOPPING,
} from '../../src/image/contract/runtime-block.js';

/** Descriptor of the lifeline in the process. */
export const LIFELINE = 9;

export interface ProcessState {
  pc:
    | 'run'
    | 'clear'
    | 'publish'
    | 'look'
    | 'wait'
    | 'keep1'
    | 'keep2'
    | 'keep3'
    | 'give1'
    | 'give2'
    | 'give3'
    | 'back1'
    | 'back2'
    | 'back3'
    | 'ended';
  /** TH_STATE, RT_STOP_SENDER, RT_COMMAND. */
  state: number;
  sender: number;
  command: number;
  /** Whether trap text is mapped: the next safepoint parks. */
  trapText: boolean;
  /** FLAG_KEPT. */
  kept: boolean;
  /** What `wait` waits with. */
  held: boolean;
  /**
   * The pipe, if there is one: whether the byte is in it, whether the process has its writing end, who holds the other.
   */
  lifeline: { byte: boolean; writer: boolean; holder: number } | undefined;
  /** The sender of the pending signal: the kernel keeps one, the first. */
  pending: number | undefined;
}

export function freshProcess(): ProcessState {
  return {
    pc: 'run',
    state: STATE_RUNNING,
    sender: 0,
    command: COMMAND_NONE,
    trapText: false,
    kept: false,
    held: false,
    lifeline: undefined,
    pending: undefined,
  };
}

/** Whether the guest's own code is running. */
export const isFree = ({ pc, trapText }: ProcessState) => pc === 'run' && !trapText;

/**
 * Whether it stands still, its state being there to be read. NOTE: one that is giving up, and finds that it has just
 * been claimed, says RUNNING for a moment.
 */
export const isParked = ({ pc }: ProcessState) =>
  ['look', 'wait', 'keep1', 'keep2', 'keep3', 'give1', 'give2', 'give3'].includes(pc);

/** Sends STOP_SIGNAL. @param sender as the process sees it: 0 for one of another namespace */
export function send(process: ProcessState, sender: number): void {
  if (process.pc !== 'ended') process.pending ??= sender;
}

/** Takes the byte. @returns whether it was there */
export function takeLifeline({ lifeline }: ProcessState, holder: number): boolean {
  if (!lifeline?.byte) return false;
  lifeline.byte = false;
  lifeline.holder = holder;
  return true;
}

/** @param isDead whether a tool has died, or has closed its lifeline */
type IsDead = (tool: number) => boolean;

function senderIsDead(process: ProcessState, isDead: IsDead): boolean {
  if (process.sender !== 0) return isDead(process.sender);
  const { lifeline } = process;
  if (lifeline === undefined || (lifeline.writer && lifeline.byte)) return false;
  lifeline.writer = false;
  return isDead(lifeline.holder);
}

/** Whether a command counts: a claim by whom nobody would notice the death of is another tool's, which came late. */
function isClaimed({ command, lifeline }: ProcessState): boolean {
  return command !== COMMAND_NONE && !lifeline?.byte;
}

function setSender(process: ProcessState, sender: number): void {
  process.lifeline = sender === 0 ? { byte: true, writer: true, holder: -1 } : undefined;
  process.sender = sender;
}

/** The handler of STOP_SIGNAL. */
function onStop(process: ProcessState, sender: number, isDead: IsDead): void {
  if (process.state === STATE_STOPPING || process.state === STATE_PARKED) {
    if (process.kept) return;
    if (sender !== process.sender) {
      if (sender === 0 || !senderIsDead(process, isDead)) return;
      process.command = COMMAND_NONE; // a dead tool's command is not the next one's
      setSender(process, sender);
    } else if (process.state === STATE_STOPPING && process.command === COMMAND_RESUME) process.pc = 'back1';
    return;
  }
  setSender(process, sender);
  process.trapText = true;
  process.state = STATE_STOPPING;
}

export type Step = (process: ProcessState, isDead: IsDead) => void;

/** What the process can do next, by name; all of it may happen. */
export function processSteps(process: ProcessState, isDead: IsDead): Record<string, Step> {
  const to =
    (pc: ProcessState['pc'], change: Partial<ProcessState> = {}): Step =>
    (process) => {
      Object.assign(process, change, { pc });
    };
  const handled: Step = (process, isDead) => {
    const sender = process.pending!;
    process.pending = undefined;
    onStop(process, sender, isDead);
  };
  switch (process.pc) {
    case 'run':
      return {
        ...(process.pending === undefined ? {} : { signal: handled }),
        ...(process.trapText ? { safepoint: to('clear') } : {}),
      };
    case 'clear':
      return { clear: to('publish', { command: COMMAND_NONE }) };
    case 'publish':
      return { publish: to('look', { state: STATE_PARKED }) };
    case 'look':
      return {
        look: (process, isDead) => {
          if (senderIsDead(process, isDead)) process.pc = 'back1';
          else {
            const waitsForAnyone = process.sender === 0 && process.lifeline === undefined;
            Object.assign(process, {
              pc: 'wait',
              held: (process.command === COMMAND_HOLD && isClaimed(process)) || waitsForAnyone,
            });
          }
        },
      };
    case 'wait': {
      const signal: Step = (process, isDead) => {
        // NOTE: whoever's signal it is: the one that belongs to the command may have been lost after it
        handled(process, isDead);
        const final = process.command === COMMAND_RESUME || process.command === COMMAND_EXIT;
        process.pc = final ? 'back1' : process.command === COMMAND_KEEP ? 'keep1' : 'look';
      };
      // A capturer whose lifeline the process has not yet seen taken is no descriptor to wait for.
      const { lifeline, sender } = process;
      const told =
        sender !== 0 ? isDead(sender) : lifeline !== undefined && !lifeline.writer && isDead(lifeline.holder);
      return {
        ...(process.pending === undefined ? {} : { signal }),
        ...(told ? { death: to('look') } : {}),
        ...(process.held ? {} : { patience: to('give1') }),
      };
    }
    case 'keep1':
      return { keep1: to('keep2', { sender: 0, lifeline: undefined }) };
    case 'keep2':
      return { keep2: to('keep3', { command: COMMAND_NONE }) };
    case 'keep3':
      return { keep3: to('look', { kept: true }) };
    case 'give1':
      return {
        give1: (process) => Object.assign(process, { pc: isClaimed(process) ? 'look' : 'give2' }),
      };
    case 'give2':
      return { give2: to('give3', { state: STATE_RUNNING }) };
    case 'give3':
      return {
        give3: (process) => {
          if (!isClaimed(process)) process.pc = 'back1';
          else Object.assign(process, { pc: 'look', state: STATE_PARKED });
        },
      };
    case 'back1':
      return {
        back1: (process) => {
          if (process.command === COMMAND_EXIT) Object.assign(process, { pc: 'ended', pending: undefined });
          else Object.assign(process, { pc: 'back2', state: STATE_RUNNING, trapText: false });
        },
      };
    case 'back2':
      return { back2: to('back3', { sender: 0, lifeline: undefined }) };
    case 'back3':
      return { back3: to('run', { command: COMMAND_NONE, kept: false }) };
    case 'ended':
      return {};
  }
}
