/** `wag-snap ps`: lists the workloads that run on this machine, one line or JSON object for each. */

import type { CommandModule } from 'yargs';
import { listWorkloads, type WorkloadEntry } from '../../src/api/workloads.js';
import { terminalJson, terminalText } from '../../src/base/terminal-text.js';
import { formatColumns } from '../show/table.js';
import { formatAge, formatBytes } from '../show/units.js';

interface Options {
  json: boolean;
}

const SYSTEM_STATES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'waiting',
  T: 'suspended',
  t: 'traced',
};

/** The most characters of a program's arguments in a line. */
const ARGUMENTS_MAX = 60;

const command: CommandModule<object, Options> = {
  command: 'ps',
  describe: 'List the running workloads',
  builder: (yargs) =>
    yargs.option('json', { type: 'boolean', default: false, describe: 'print a JSON array' }).example([
      ['$0 ps', 'lists pid, name, CPU, age, memory, state, module and arguments'],
      ['$0 ps --json', 'prints the same for programs'],
    ]) as never,
  handler: async ({ json }) => {
    const workloads = await listWorkloads();
    if (json) console.log(terminalJson(workloads.map(toJson)));
    else process.stdout.write(formatTable(workloads));
  },
};
export default command;

function toJson(entry: WorkloadEntry): object {
  return { ...entry, name: entry.name ?? null, unreadable: entry.unreadable ?? null, state: entry.state ?? null };
}

/** A heading and a line each. */
export function formatTable(workloads: readonly WorkloadEntry[]): string {
  const rows = [
    ['PID', 'NAME', 'ARCH', 'AGE', 'MEMORY', 'STATE', 'MODULE', 'ARGUMENTS'],
    ...workloads.map((entry) => [
      String(entry.pid),
      entry.name ?? '-',
      terminalText(entry.arch || '?'),
      formatAge(entry.age),
      formatBytes(entry.memory),
      formatState(entry),
      terminalText([entry.module, ...(entry.unreadable === undefined ? [] : [entry.unreadable])].join(': ')),
      shortened(terminalText(entry.args.slice(1).join(' '))),
    ]),
  ];
  return formatColumns(rows);
}

/** A line is cut off; --json has everything. */
function shortened(text: string): string {
  return text.length > ARGUMENTS_MAX ? `${text.slice(0, ARGUMENTS_MAX - 1)}…` : text;
}

/** The state that the process publishes; for a running one, what the system says may be more exact. */
function formatState({ unreadable, state, systemState, capturable }: WorkloadEntry): string {
  if (unreadable !== undefined) return 'unreadable';
  const system = SYSTEM_STATES[systemState] ?? systemState;
  const text = state === undefined || state === 'running' ? system : state;
  return capturable ? text : `${text}, not capturable`;
}
