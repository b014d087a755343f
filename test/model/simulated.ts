/**
 * The process of process-model.ts, as the capture code sees one: its memory, its status, signals to it, its lifeline.
 * Each access comes after a point at which everything else may happen first: steps of the process and of another tool,
 * or the death of this one. What happens is a schedule's choice (schedules.ts). Time passes only in pauses, by as much
 * as the schedule says.
 */

import { ToolError } from '../../src/base/errors.js';
import type { ImageProcess } from '../../src/capture/process.js';
import {
  COMMAND_NONE,
  COMMAND_RESUME,
  RT_COMMAND,
  RT_LIFELINE,
  RT_STOP_SENDER,
} from '../../src/image/contract/runtime-block.js';
import { TH_STATE } from '../../src/image/contract/thread.js';
import { freshProcess, LIFELINE, processSteps, send, takeLifeline } from './process-model.js';
import { looksDead, type ToolState, toolSteps } from './tool-model.js';
import type { World } from './walk.js';

/** Thrown into the code under test, when its tool dies or the schedule ends here. */
export class Cut extends Error {}

/** What a schedule decides. */
export interface Chooser {
  /**
   * @param position where the code is, and what it knows
   * @param ways in which it continues
   * @param others what everything else can do in some state of the world, this one's code being where it is
   * @returns a way, a step of the others, 'dies', or '' to end here
   */
  choose(world: World, position: string, ways: readonly string[], others: Others): string;
  /** After each step. */
  reached(world: World): void;
}

const SENDER = `u32 ${RT_STOP_SENDER}`;
const WRITE = `write ${COMMAND_RESUME}`;

/** Milliseconds that a pause may take: none to speak of, until a signal is sent again, or until patience is out. */
const PAUSES: Readonly<Record<string, number>> = { pauses: 1, 'pauses for long': 300, 'pauses for ever': 1e6 };

/** Steps by name; each changes the world that it is given. */
export type Others = (world: World) => ReadonlyMap<string, (world: World) => void>;

export class Simulation {
  readonly world: World;
  /** performance.now() */
  now = 0;
  /**
   * While it is on its way from a look at the process to its claim: microseconds, no time for the process's patience.
   */
  isClaiming = false;
  private hasLooked = false;
  private isCut = false;
  /** Whether its patience is out: it takes back what it has asked for. */
  private isTired = false;
  /** What the code has seen since its last pause, from which all that it knows follows. */
  private seen: string[] = [];

  /** @param tools the first one runs the code under test */
  constructor(
    tools: readonly ToolState[],
    private readonly chooser: Chooser,
  ) {
    this.world = { process: freshProcess(), tools: structuredClone([...tools]) };
    this.tool.pc = 'poll';
  }

  get tool(): ToolState {
    return this.world.tools[0];
  }

  /** Where the tool is: what the states of code and model have in common. */
  enter(pc: ToolState['pc']): void {
    if (this.isCut) throw new Cut(); // the code has continued as if it were a failure of the process's
    this.tool.pc = pc;
    this.seen = [];
    this.chooser.reached(this.world);
  }

  /** Everything else may happen here. @param ways in which the code continues @returns one of them */
  point(where: string, ways: readonly string[] = [where]): string {
    for (;;) {
      if (this.isCut) throw new Cut();
      if (isOneStep(where)) return where;
      const position = JSON.stringify([where, this.seen, this.isClaiming, this.hasLooked, this.isTired]);
      const others: Others = (world) => othersOf(world, this.isClaiming || this.hasLooked);
      const choice = this.chooser.choose(this.world, position, ways, others);
      if (choice === '') this.cut();
      if (ways.includes(choice)) return choice;
      if (choice === 'dies') {
        die(this.world);
        this.chooser.reached(this.world);
        this.cut();
      }
      others(this.world).get(choice)!(this.world);
      this.chooser.reached(this.world);
    }
  }

  private cut(): never {
    this.isCut = true;
    throw new Cut();
  }

  pause(): Promise<void> {
    const way = this.point('pause', this.tool.pc === 'poll' && !this.isTired ? Object.keys(PAUSES) : ['pauses']);
    this.now += PAUSES[way];
    if (way === 'pauses for ever') this.isTired = true;
    this.seen = [way];
    this.hasLooked = false;
    return Promise.resolve();
  }

  private note<T>(what: string, value: T): T {
    this.seen.push(`${what} ${value}`);
    return value;
  }

  /** Whether another tool's pid is somebody's: processStatus. */
  statusOf(pid: number): { state: string } | undefined {
    this.point(`status of ${pid}`);
    const other = this.world.tools.find(({ id }) => id === pid);
    return this.note('tool', other !== undefined && other.pc !== 'dead') ? { state: 'S' } : undefined;
  }

  takeLifeline(): boolean {
    this.point('take lifeline');
    const taken = takeLifeline(this.world.process, this.tool.id);
    if (taken) this.tool.hasLifeline = true;
    return this.note('taken', taken);
  }

  hasLifeline(): boolean {
    this.point('lifeline');
    return this.note('lifeline', this.world.process.lifeline?.holder === this.tool.id);
  }

  closeLifeline(): void {
    this.tool.hasLifeline = false;
  }

  /** For stopProcess and what it returns. */
  asProcess(): ImageProcess {
    const { world } = this;
    const gone = () => world.process.pc === 'ended';
    const ended = () => new ToolError('process-ended', 'pid 1: the process ended before it was captured');
    const memory = {
      u32: (field: number): number => {
        this.point(`u32 ${field}`);
        if (gone()) {
          this.note('gone', true);
          throw ended();
        }
        return this.note(`u32 ${field}`, this.field(field));
      },
      u64: () => 1n,
      writeU32: (field: number, value: number): void => {
        if (field !== RT_COMMAND) return; // who continues for it
        this.point(`write ${value}`);
        if (gone()) throw ended();
        world.process.command = value;
        if (this.tool.pc === 'holding') this.tool.pc = 'releaseSignal';
        this.note('wrote', value);
        this.chooser.reached(world);
      },
      write: () => {},
      isThere: () => {
        this.point('is there');
        return this.note('there', !gone());
      },
    };
    return {
      pid: 1,
      runtime: 0,
      thread: 0,
      folder: undefined,
      memory,
      tryMemory: () => memory,
      prepareSignals: () => Promise.resolve(),
      status: () => {
        this.point('status');
        if (gone()) return this.note('status', undefined);
        const state = this.note('status', world.process.pc === 'wait' ? 'S' : 'R');
        if (state === 'S' && world.tools.length > 1) this.hasLooked = true; // see walk.ts
        return { state, caughtSignals: 0n, tracer: 0 };
      },
      signal: async (signal: string) => {
        this.point(signal);
        if (gone()) throw ended();
        if (signal === 'SIGKILL') Object.assign(world.process, { pc: 'ended', pending: undefined });
        else send(world.process, this.tool.foreign ? 0 : this.tool.id);
        this.note('sent', signal);
        if (this.isClaiming) this.tool.pc = 'holding'; // the last step of a claim
        this.chooser.reached(world);
      },
    } as unknown as ImageProcess;
  }

  private field(field: number): number {
    const { state, sender, command, lifeline } = this.world.process;
    switch (field) {
      case TH_STATE:
        return state;
      case RT_STOP_SENDER:
        return sender;
      case RT_COMMAND:
        return command;
      case RT_LIFELINE:
        return lifeline === undefined ? 0 : LIFELINE;
      default:
        return COMMAND_NONE;
    }
  }
}

/**
 * NOTE: a tool that takes back its stop looks whose the process is, and then says so: two system calls. One that is
 * suspended between them while another tool stops the process takes that one's stop back: a word cannot say whose
 * command it is.
 */
function isOneStep(where: string): boolean {
  return [SENDER, WRITE].includes(where) && /\bwithdraw\b/.test(new Error().stack!);
}

/** The code's tool dies. */
export function die({ tools: [tool] }: World): void {
  Object.assign(tool, { pc: 'dead', hasLifeline: false });
}

/** Steps of the process and of the other tools. */
function othersOf({ process, tools }: World, isClaiming: boolean): Map<string, (world: World) => void> {
  const steps = new Map<string, (world: World) => void>();
  const isDead =
    ({ tools }: World) =>
    (id: number) =>
      tools.some((tool) => tool.id === id && looksDead(tool));
  for (const [name, step] of Object.entries(processSteps(process, isDead({ process, tools })))) {
    if (name === 'patience' && isClaiming) continue;
    steps.set(`process ${name}`, (world) => step(world.process, isDead(world)));
  }
  const isAlive = (id: number) => tools.some((tool) => tool.id === id && tool.pc !== 'dead');
  for (const [i, tool] of tools.entries()) {
    if (i === 0) continue;
    for (const [name, step] of Object.entries(toolSteps(tool, process, isAlive))) {
      steps.set(`tool ${tool.id} ${name}`, (world) => step(world.tools[i], world.process));
    }
  }
  return steps;
}
