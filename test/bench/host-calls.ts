/**
 * Host calls against the same calls in a native C program: host-calls.c compiled twice, here and to host-calls.wasm.
 * Both time themselves in short rounds of which the least counts, so that a busy machine disturbs little; they take
 * turns. Standard output is /dev/null.
 *
 * Our figures include the cost of the sandbox. The details show how much of it is the kernel's, by two more runs: the
 * native program in a sandbox of the same kind, with a system call filter that allows everything, and ours without one.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Figure, ratio } from './figure.js';
import { check, folder, imageEnvironment, median, ROUNDS, wagSnap } from './measure.js';

const source = resolve('test/bench/host-calls.c');
const calls = {
  write1: '1-byte write',
  write64k: '64 KiB write',
  clock: 'clock_time_get',
  open: 'path_open and close',
};
type Call = keyof typeof calls;
/** Medians in nanoseconds. */
type Times = Record<Call, number>;

const columns = ['ours', 'native', 'native, sandboxed', 'ours, no sandbox'] as const;
let measured: Record<(typeof columns)[number], Times> | undefined;

function measureAll(): Record<(typeof columns)[number], Times> {
  if (!existsSync('/usr/bin/gcc')) throw new Error('gcc is not installed');
  const native = `${folder}/host-calls-c`;
  const image = `${folder}/host-calls`;
  check(['gcc', '-static', '-O2', source, '-o', native]);
  check([...wagSnap, 'compile', source.replace(/c$/, 'wasm'), '-o', image]);
  writeFileSync(`${folder}/file`, '');
  const runs: [string[], Record<string, string>][] = [
    [[image], {}],
    [[native], {}],
    [[native, 'sandbox'], {}],
    [[image], { WAGSNAP_NO_SANDBOX: '1' }],
  ];
  const rounds: Times[][] = runs.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, [command, env]] of runs.entries()) rounds[i].push(run(command, env));
  }
  const names = Object.keys(calls) as Call[];
  const medians = rounds.map((times) =>
    Object.fromEntries(names.map((name) => [name, median(times.map((t) => t[name]))])),
  );
  return Object.fromEntries(columns.map((column, i) => [column, medians[i]])) as Record<
    (typeof columns)[number],
    Times
  >;
}

function run(command: readonly string[], env: Record<string, string>): Times {
  const { status, stderr } = spawnSync(command[0], command.slice(1), {
    cwd: folder,
    env: { ...imageEnvironment, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status !== 0) throw new Error(`${command.join(' ')}: exit ${status}\n${stderr}`);
  const lines = stderr.toString().trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(' ')).map(([name, time]) => [name, Number(time)])) as Times;
}

function figure(call: Call, limit: number): Figure {
  return {
    name: 'host-calls',
    title: `${calls[call]}, against native C`,
    bar: `<= ${limit} x`,
    measure: () => {
      measured ??= measureAll();
      const ours = measured.ours[call];
      const value = ours / measured.native[call];
      const times = columns.map((column) => `${column} ${measured![column][call].toFixed(0)} ns`).join(', ');
      const rate = (1000 / ours).toFixed(2);
      const details = [
        `${calls[call]}: ${times}; ours / native, sandboxed ${ratio(ours / measured['native, sandboxed'][call])}; ${rate} million a second`,
      ];
      return { value: ratio(value), pass: value <= limit, details };
    },
  };
}

export const hostCalls: readonly Figure[] = [
  figure('write1', 2),
  figure('write64k', 1.3),
  figure('clock', 2),
  figure('open', 2),
];
