/**
 * A tool's half of the stop protocol as a small machine: src/capture/stop.ts, claim.ts and stopped-process.ts, with a
 * step for each look at the process, each word written and each signal. Times are left out: every wait may also have
 * lasted long enough.
 */

import {
  COMMAND_EXIT,
  COMMAND_HOLD,
  COMMAND_KEEP,
  COMMAND_RESUME,
  STATE_PARKED,
  STATE_RUNNING,
  STATE_STOPPING,
} from '../../src/image/contract/runtime-block.js';
import { type ProcessState, send, takeLifeline } from './process-model.js';

export interface ToolState {
  /** Its number, which is its pid where it has one. */
  readonly id: number;
  readonly foreign: boolean;
  /** It moves the process, which it keeps, instead of only capturing it. */
  readonly moves: boolean;
  pc:
    | 'idle'
    | 'ask'
    | 'poll'
    | 'sender'
    | 'take'
    | 'hold'
    | 'check'
    | 'check2'
    | 'check3'
    | 'check4'
    | 'wake'
    | 'holding'
    | 'keep'
    | 'keepSignal'
    | 'keepWait'
    | 'kept'
    | 'release'
    | 'releaseSignal'
    | 'withdraw'
    | 'withdrawSignal'
    | 'close'
    | 'done'
    | 'dead';
  /** RT_COMMAND that it ends with. */
  end: number;
  hasLifeline: boolean;
}

export function freshTool(id: number, foreign: boolean, moves = false): ToolState {
  return { id, foreign, moves, pc: 'idle', end: COMMAND_RESUME, hasLifeline: false };
}

/** Whether the process would notice its death, or takes it for dead: its lifeline is closed. */
export function looksDead(tool: ToolState): boolean {
  return tool.pc === 'dead' || (tool.foreign && tool.pc === 'done');
}

type Step = (tool: ToolState, process: ProcessState) => void;

/** @param isAlive whether another tool lives, as far as this one can tell */
export function toolSteps(
  tool: ToolState,
  process: ProcessState,
  isAlive: (id: number) => boolean,
): Record<string, Step> {
  const name = tool.foreign ? 0 : tool.id;
  const to =
    (pc: ToolState['pc'], act: (process: ProcessState, tool: ToolState) => void = () => {}): Step =>
    (tool, process) => {
      act(process, tool);
      tool.pc = pc;
    };
  const dies: Record<string, Step> =
    tool.pc === 'idle' ? {} : { dies: to('dead', (_, tool) => (tool.hasLifeline = false)) };
  const gone = process.pc === 'ended';
  // NOTE: it asks once more when the last look is some time ago, whatever has happened since that look
  const closes = (_: ProcessState, tool: ToolState) => (tool.hasLifeline = false);
  const looksAgain: Record<string, Step> = { looks_again: to('poll', closes), asks_again: to('ask', closes) };
  switch (tool.pc) {
    case 'idle': {
      const { state, sender } = process;
      if (gone) return { idle: to('done') };
      if (state === STATE_RUNNING) return { idle: to('ask') };
      // A parked one that names nobody sleeps: for anyone to take, or a foreign one's.
      const taken =
        sender === 0 ? process.pc === 'wait' && state === STATE_PARKED : sender !== tool.id && isAlive(sender);
      return taken ? { busy: to('done') } : {};
    }
    case 'ask':
      return { ask: to('poll', (process) => send(process, name)), ...dies };
    case 'poll': {
      const steps: Record<string, Step> = { gives_up: to('withdraw'), ...dies };
      if (gone) return { ...dies, ended: to('done') };
      if (process.state === STATE_PARKED) steps['parked'] = to('sender');
      else if (process.state !== STATE_STOPPING) steps['again'] = to('ask');
      return steps;
    }
    case 'sender': {
      const { sender } = process;
      if (sender !== name && sender !== 0) return { busy: to('withdraw'), ...dies };
      if (sender === 0 && process.pc !== 'wait') return { ...looksAgain, ...dies };
      if (sender === 0 && process.kept) return { refused: to('close'), ...dies };
      return { stands: to(sender === 0 ? 'take' : 'hold'), ...dies };
    }
    case 'take': {
      if (process.sender !== 0) return { ...looksAgain, ...dies };
      const takes: Step = (tool, process) => {
        // NOTE: a process that names nobody may be a foreign tool's: its byte says whose it is
        const foreign = process.sender === 0 && process.lifeline !== undefined;
        if (foreign && !takeLifeline(process, tool.id))
          tool.pc = 'poll'; // or asks again, by and by
        else Object.assign(tool, { pc: 'hold', hasLifeline: foreign });
      };
      return { takes, ...dies };
    }
    case 'hold':
      return { hold: to('check', (process) => (process.command = gone ? process.command : COMMAND_HOLD)), ...dies };
    case 'check':
    case 'check2':
    case 'check3':
    case 'check4': {
      // It stands, it has the claim (which parking forgets), and it stands for us, still: it may have continued, and
      // been stopped again.
      const mine = tool.hasLifeline
        ? process.sender === 0 && process.lifeline?.holder === tool.id
        : process.sender === name && (name !== 0 || process.lifeline === undefined);
      const [held, next] = (
        {
          check: [process.state === STATE_PARKED, 'check2'],
          check2: [process.command === COMMAND_HOLD, 'check3'],
          check3: [mine, 'check4'],
          check4: [process.state === STATE_PARKED, tool.hasLifeline ? 'wake' : 'holding'],
        } as const
      )[tool.pc];
      return {
        ...(held ? { held: to(next) } : looksAgain),
        ...dies,
      };
    }
    case 'wake':
      return { wake: to('holding', (process) => send(process, name)), ...dies };
    case 'holding':
      if (tool.moves) return { keeps: to('keep'), ...dies };
      return {
        resumes: to('release', (_, tool) => (tool.end = COMMAND_RESUME)),
        ends: to('release', (_, tool) => (tool.end = COMMAND_EXIT)),
        ...dies,
      };
    case 'keep':
      return {
        writes: to('keepSignal', (process) => (process.command = gone ? process.command : COMMAND_KEEP)),
        ...dies,
      };
    case 'keepSignal':
      return { signals: to('keepWait', (process) => send(process, name)), ...dies };
    case 'keepWait':
      if (process.kept) return { sees: to('kept'), ...dies };
      return {
        again: to('keep'),
        gives_up: to('release', (_, tool) => (tool.end = COMMAND_RESUME)),
        ...dies,
      };
    case 'kept':
      return {
        not_moved: to('release', (_, tool) => (tool.end = COMMAND_RESUME)),
        moved: to('release', (_, tool) => (tool.end = COMMAND_EXIT)),
        ...dies,
      };
    case 'release':
      return { release: to('releaseSignal', (process, tool) => (process.command = tool.end)), ...dies };
    case 'releaseSignal':
      return { signals: to('close', (process) => send(process, name)), ...dies };
    case 'close':
      return { close: to('done', (_, tool) => (tool.hasLifeline = false)), ...dies };
    case 'withdraw': {
      const { state, sender } = process;
      const stands = sender === tool.id && (state === STATE_STOPPING || state === STATE_PARKED);
      if (!stands || gone) return { leaves: to('done'), ...dies };
      // NOTE: one step, although they are two system calls: what is suspended between the two while another tool stops
      // the process takes that one's stop back. A word cannot say whose command it is.
      const withdraws = to('withdrawSignal', (process) => (process.command = COMMAND_RESUME));
      return { withdraws, ...dies };
    }
    case 'withdrawSignal':
      return { signals: to('withdraw', (process) => send(process, name)), ...dies };
    case 'done':
      return { exits: to('dead') };
    default:
      return {};
  }
}
