/**
 * Tracking as small machines: a process with one page, which writes it now and then, and tools that ask which pages were
 * written (src/runtime/process/tracking.ts, src/capture/written-pages.ts, pre-copy.ts). There is a step for each record
 * written or read; a request is two steps, as two tools may write theirs at the same time.
 *
 *     tool   begin -> scan -> copy -> stops the process -> scan -> copies -> lets it go -> keep -> the next capture
 *            any answer that is not its own, or none: it is lost, and copies everything once the process stands
 *
 * A capture whose begin says which snapshot the process has tracked its page since takes that as its parent: it has
 * what that has, but for what the scans find.
 *
 * What must hold: a tool that lets the process go has the page's contents.
 */

export type Command = 'begin' | 'scan' | 'keep';

interface Request {
  number: number;
  command: Command;
  session: number;
  /** Stands for all that follows in the record; of a keep the snapshot, which is known by what it has of the page. */
  rest: number;
  /** Of all others. */
  check: string;
}

export interface TrackedProcess {
  page: number;
  /** What the page becomes at last. */
  readonly last: number;
  isProtected: boolean;
  session: number;
  /** The snapshot that it has tracked the page since, NONE; and what that was when the session began. */
  since: number;
  before: number;
  /** Number of the last request that the session has performed. */
  performed: number;
  request: Request;
  /** Repeats the request; its number is written last. */
  answer: Request;
  /** Of the scan that was answered last: whether the page is in the regions; of a begin the session; -1: stale. */
  result: number;
  /** A signal is pending; the answer waits for its number. */
  signalled: boolean;
  publishing: number;
  /** The tool that it stands still for, 0 for none. */
  holder: number;
}

export interface TrackingTool {
  readonly id: number;
  pc: 'request1' | 'request2' | 'poll' | 'read' | 'before' | 'regions' | 'again' | 'copy' | 'stop' | 'done' | 'dead';
  /** How many requests were answered: begin, then two scans, then keep. */
  asked: number;
  /** How many captures it still makes after this one. */
  left: number;
  /** Whether what it has copied was the parent's at first. */
  isContinued: boolean;
  number: number;
  session: number;
  /** How often it may still ask again. */
  patience: number;
  isLost: boolean;
  /** Whether the page is still to be copied, and what was copied. */
  isLeft: boolean;
  copy: number;
  /** What the last answer said. */
  seen: number;
}

export interface TrackingWorld {
  process: TrackedProcess;
  tools: TrackingTool[];
}

/** The scan that is made while the process stands still. */
const LAST = 2;
const KEEP = 3;
const NONE = -1;
const NOTHING: Request = { number: 0, command: 'scan', session: 0, rest: 0, check: '' };

/**
 * @param writes how often the page is written
 * @param captures that each tool makes
 */
export function freshWorld(tools: number, writes: number, captures = 2): TrackingWorld {
  return {
    process: {
      page: 0,
      last: writes,
      isProtected: false,
      session: 0,
      since: NONE,
      before: NONE,
      performed: 0,
      request: NOTHING,
      answer: NOTHING,
      result: 0,
      signalled: false,
      publishing: 0,
      holder: 0,
    },
    tools: Array.from({ length: tools }, (_, i) => ({
      id: i + 1,
      pc: 'request1',
      asked: 0,
      left: captures - 1,
      isContinued: false,
      number: 0,
      session: 0,
      patience: 1,
      isLost: false,
      isLeft: false,
      copy: -1,
      seen: 0,
    })),
  };
}

/** What is wrong in a state; undefined when nothing is. */
export function wrongTracking({ process, tools }: TrackingWorld): string | undefined {
  const done = tools.find(({ pc, id }) => pc === 'done' && process.holder === id);
  return done && done.copy !== process.page ? `tool ${done.id} has missed a write` : undefined;
}

/** All that can happen next. @param faults what the machines do not do, to see that it matters */
export function* trackingSteps(
  world: TrackingWorld,
  faults: ReadonlySet<string>,
): Generator<[string, (world: TrackingWorld) => void]> {
  const { process, tools } = world;
  if (process.holder === 0 && process.page < process.last && process.publishing === 0) {
    yield [
      'process writes',
      ({ process }) => {
        process.page++;
        process.isProtected = false;
      },
    ];
  }
  if (process.publishing !== 0) {
    yield [
      'process publishes',
      ({ process }) => {
        process.answer.number = process.publishing;
        process.publishing = 0;
      },
    ];
  } else if (process.signalled) yield ['process answers', ({ process }) => answer(process, faults)];
  for (const [i, tool] of tools.entries()) {
    for (const [name, step] of toolSteps(tool, process)) {
      yield [`tool ${tool.id} ${name}`, (world) => step(world.tools[i], world.process)];
    }
  }
}

function answer(process: TrackedProcess, faults: ReadonlySet<string>): void {
  process.signalled = false;
  const { number, command, session } = process.request;
  if (number === 0 || number === process.answer.number) return;
  if (process.request.check !== checkOf(process.request) && !faults.has('checks')) return;
  if (command === 'begin') {
    process.result = ++process.session;
    process.before = process.since;
    if (!faults.has('forgets')) process.since = NONE;
  } else if (session !== process.session && !faults.has('sessions')) process.result = -1;
  else if (number === process.performed && !faults.has('repeats')) process.result = -1;
  else if (command === 'scan') {
    process.result = process.isProtected ? 0 : 1;
    process.isProtected = true;
    process.performed = number;
    if (!faults.has('forgets')) process.since = NONE;
  } else {
    process.result = 0;
    process.since = process.request.rest;
  }
  process.answer = { ...process.request, number: 0 };
  process.publishing = number;
}

const checkOf = ({ number, command, session, rest }: Omit<Request, 'check'>) =>
  `${number} ${command} ${session} ${rest}`;

/** What a tool was that is gone is no matter. */
function forget(tool: TrackingTool): void {
  Object.assign(tool, FRESH, { patience: 0, copy: 0, left: 0 });
}

const FRESH = {
  asked: 0,
  number: 0,
  session: 0,
  patience: 1,
  isLost: false,
  isLeft: false,
  copy: -1,
  seen: 0,
  isContinued: false,
};

/** The process runs, and the snapshot is where it is to stay. */
function nextCapture(tool: TrackingTool): void {
  if (tool.left === 0) {
    tool.pc = 'dead';
    return forget(tool);
  }
  Object.assign(tool, FRESH, { pc: 'request1', left: tool.left - 1 });
}

type Step = (tool: TrackingTool, process: TrackedProcess) => void;

function* toolSteps(tool: TrackingTool, process: TrackedProcess): Generator<[string, Step]> {
  const to =
    (pc: TrackingTool['pc'], act: Step = () => {}): Step =>
    (tool, process) => {
      tool.pc = pc;
      act(tool, process);
    };
  const dies: [string, Step] = [
    'dies',
    to('dead', (tool, process) => {
      if (process.holder === tool.id) process.holder = 0;
      forget(tool);
    }),
  ];
  // Lost: before the stop it goes on to that, after it everything is left.
  const loses = (name: string): [string, Step] => [
    name,
    (tool) => {
      if (tool.asked === KEEP) return nextCapture(tool);
      tool.isLost = true;
      tool.isLeft = true;
      tool.pc = tool.asked === LAST ? 'copy' : 'stop';
    },
  ];
  const command: Command = tool.asked === 0 ? 'begin' : tool.asked === KEEP ? 'keep' : 'scan';
  // One tool's ranges are not another's.
  const rest = command === 'keep' ? tool.copy : -10 - tool.id;
  switch (tool.pc) {
    case 'request1':
      yield [
        'writes a request',
        to('request2', (tool, process) => {
          tool.number = tool.id * 100 + tool.left * 10 + tool.asked;
          process.request = { ...process.request, number: tool.number, command };
        }),
      ];
      yield dies;
      return;
    case 'request2':
      yield [
        'writes the rest of it, and signals',
        to('poll', (tool, process) => {
          // the check is of what it has written itself, whatever stands in the record by now
          const check = checkOf({ number: tool.number, command, session: tool.session, rest });
          process.request = { ...process.request, session: tool.session, rest, check };
          process.signalled = true;
        }),
      ];
      yield dies;
      return;
    case 'poll':
      if (process.answer.number === tool.number) yield ['has an answer', to('read')];
      else {
        if (tool.patience > 0) yield ['asks again', to('request1', (tool) => tool.patience--)];
        yield loses('gives up');
      }
      yield dies;
      return;
    case 'read': {
      const { number, session, rest: repeated } = process.answer;
      const isOwn =
        number === tool.number && process.answer.command === command && session === tool.session && repeated === rest;
      if (!isOwn || process.result === -1) yield loses('is not its own');
      else
        yield [
          'is its own',
          to(command === 'begin' ? 'before' : 'regions', (tool, { result }) => (tool.seen = result)),
        ];
      yield dies;
      return;
    }
    case 'before':
      yield [
        'reads what it continues from',
        to('again', (tool, { before }) => {
          tool.isContinued = before >= 0; // else it is of no snapshot, and no parent has its digest
          if (tool.isContinued) tool.copy = before;
        }),
      ];
      yield dies;
      return;
    case 'regions':
      if (command === 'keep') {
        yield ['is remembered', nextCapture];
        yield dies;
        return;
      }
      yield ['reads regions', to('again', (tool, { result }) => (tool.seen = result))];
      yield dies;
      return;
    case 'again':
      if (command === 'scan' && process.answer.number !== tool.number) {
        yield loses('another answer is there');
      } else {
        yield [
          'takes it',
          (tool) => {
            if (tool.asked === 0) tool.session = tool.seen;
            else if (tool.seen !== 0 || (tool.asked === 1 && !tool.isContinued)) tool.isLeft = true;
            tool.seen = 0;
            tool.pc = tool.asked === 0 ? 'request1' : 'copy';
            if (tool.asked !== LAST) tool.asked++;
          },
        ];
      }
      yield dies;
      return;
    case 'copy': {
      // The last scan was answered, or it is lost: then the process stands still.
      const stands = process.holder === tool.id;
      yield [
        'copies',
        to(stands ? 'done' : tool.asked === LAST ? 'stop' : 'request1', (tool, { page }) => {
          if (tool.isLeft) tool.copy = page;
          tool.isLeft = false;
        }),
      ];
      yield dies;
      return;
    }
    case 'stop':
      if (process.holder === 0 && process.publishing === 0) {
        yield [
          'stops the process',
          (tool, process) => {
            process.holder = tool.id;
            tool.asked = LAST;
            tool.pc = tool.isLost ? 'copy' : 'request1';
          },
        ];
      }
      yield dies;
      return;
    case 'done':
      if (process.holder === tool.id)
        yield [
          'lets it go',
          (tool, process) => {
            process.holder = 0;
            if (tool.isLost) return nextCapture(tool);
            tool.asked = KEEP;
            tool.pc = 'request1';
          },
        ];
      return;
    default:
      return;
  }
}
