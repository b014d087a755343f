/** `-t NAME` with `--snapshot-every`, `--snapshot-on`, `--snapshot-when-idle`: snapshots that a program gets while it runs. */

import type { Options as YargsOption } from 'yargs';
import { DURATION, parseDuration } from './limits.js';
import type { StoreOptions } from './store.js';
import { once, several, UsageError } from './usage.js';

/** The values from yargs. */
export interface TriggerOptions extends StoreOptions {
  readonly tag: string | undefined;
  readonly snapshotEvery: string | undefined;
  readonly snapshotOn: string | string[] | undefined;
  readonly snapshotWhenIdle: string | undefined;
  readonly keep: string | undefined;
}

export const triggerOptions = {
  tag: {
    alias: 't',
    type: 'string',
    requiresArg: true,
    coerce: once('tag'),
    describe: 'NAME of the snapshots that the options below put into the store',
  },
  'snapshot-every': {
    type: 'string',
    requiresArg: true,
    coerce: once('snapshot-every'),
    describe: `${DURATION} from one snapshot to the next`,
  },
  'snapshot-on': {
    type: 'string',
    requiresArg: true,
    describe:
      'SIGTERM, SIGINT, SIGHUP or SIGUSR1: a signal to this command that captures and ends the program (may be repeated)',
  },
  'snapshot-when-idle': {
    type: 'string',
    requiresArg: true,
    coerce: once('snapshot-when-idle'),
    describe: `${DURATION}: captures and ends a program that has been blocked for so long`,
  },
  keep: {
    type: 'string',
    requiresArg: true,
    coerce: once('keep'),
    describe: 'N: how many snapshots of the name stay; default: all',
  },
} satisfies Record<string, YargsOption>;

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const;
export type TriggerSignal = (typeof SIGNALS)[number];

export interface TriggerSettings {
  readonly name: string;
  readonly store: string | undefined;
  /** Milliseconds. */
  readonly every: number | undefined;
  readonly whenIdle: number | undefined;
  readonly on: readonly TriggerSignal[];
  readonly keep: number | undefined;
}

/** @returns undefined when no snapshots are wanted. @throws UsageError */
export function parseTriggers(options: TriggerOptions): TriggerSettings | undefined {
  const { tag, snapshotEvery, snapshotOn, snapshotWhenIdle, keep, store } = options;
  if (snapshotEvery === undefined && snapshotOn === undefined && snapshotWhenIdle === undefined) {
    const lonely = tag !== undefined ? '-t' : keep !== undefined ? '--keep' : undefined;
    if (lonely === undefined) return undefined;
    throw new UsageError(`${lonely} needs --snapshot-every, --snapshot-on or --snapshot-when-idle`);
  }
  if (tag === undefined) throw new UsageError('snapshots need a name: -t NAME');
  if (tag.includes(':')) throw new UsageError(`-t ${tag}: each snapshot gets the next number as its tag: give -t NAME`);
  return {
    name: tag,
    store,
    every: snapshotEvery === undefined ? undefined : parseDuration('snapshot-every', snapshotEvery),
    whenIdle: snapshotWhenIdle === undefined ? undefined : parseDuration('snapshot-when-idle', snapshotWhenIdle),
    on: several(snapshotOn).map(parseSignal),
    keep: keep === undefined ? undefined : parseKeep(keep),
  };
}

function parseSignal(text: string): TriggerSignal {
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  const known = SIGNALS.find((signal) => signal === name);
  if (known === undefined) throw new UsageError(`--snapshot-on ${text}: expected one of ${SIGNALS.join(', ')}`);
  return known;
}

/** @throws UsageError */
export function parseKeep(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--keep ${text}: expected a number, from 0 on`);
  return Number(text);
}
