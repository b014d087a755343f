/** `wag-snap ps`: the workloads that run on this machine, a line or a JSON object each. */

import type { CommandModule } from 'yargs';
import { listWorkloads, type WorkloadEntry } from '../../src/api/workloads.js';
import { terminalJson, terminalText } from '../../src/base/terminal-text.js';

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
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Characters of a program's arguments in a line. */
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

/** A heading and a line each; columns as wide as they need to be. */
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
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((text, i) => text.padEnd(widths[i]))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** A line is for a look at it; --json has all. */
function shortened(text: string): string {
  return text.length > ARGUMENTS_MAX ? `${text.slice(0, ARGUMENTS_MAX - 1)}…` : text;
}

/** What the process says about itself; running may be more exactly what the system says. */
function formatState({ unreadable, state, systemState, capturable }: WorkloadEntry): string {
  if (unreadable !== undefined) return 'unreadable';
  const system = SYSTEM_STATES[systemState] ?? systemState;
  const text = state === undefined || state === 'running' ? system : state;
  return capturable ? text : `${text}, not capturable`;
}

/** `12s`, `3m04s`, `5h07m`, `2d03h`. */
export function formatAge(seconds: number): string {
  const s = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h${two(Math.floor(s / 60) % 60)}m`;
  return `${Math.floor(s / 86400)}d${two(Math.floor(s / 3600) % 24)}h`;
}

export function formatBytes(bytes: number): string {
  let unit = 0;
  for (; bytes >= 1024 && unit < UNITS.length - 1; unit++) bytes /= 1024;
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${UNITS[unit]}`;
}
