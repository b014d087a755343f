/** `-t NAME` with `--snapshot-every`, `--snapshot-on`, `--snapshot-when-idle`: snapshots that a program gets while it runs. */

import type { Options as YargsOption } from 'yargs';
import type { FormOptions as FormValues, TrustOptions as TrustValues } from '../../src/api/seal-options.js';
import { type FormOptions, form, formOptions } from './form.js';
import { DURATION, parseDuration } from './limits.js';
import type { StoreOptions } from './store.js';
import { type TrustOptions, trust } from './trust.js';
import { once, several, UsageError } from './usage.js';

/** The values from yargs. */
export interface TriggerOptions extends StoreOptions, FormOptions, TrustOptions {
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
    describe: 'NAME in the store of the snapshots that the options below take, and of those that the program asks for',
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
  ...formOptions,
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
  /** How they are written, and what reads the one before. */
  readonly capture: FormValues & TrustValues;
}

/** @returns undefined when no snapshots are wanted. @throws UsageError */
export function parseTriggers(options: TriggerOptions): TriggerSettings | undefined {
  const { tag, snapshotEvery, snapshotOn, snapshotWhenIdle, keep, store, compress, encryptTo, signKey } = options;
  if (tag === undefined) {
    if (keep !== undefined || snapshotEvery !== undefined || snapshotOn !== undefined || snapshotWhenIdle !== undefined)
      throw new UsageError('snapshots need a name: -t NAME');
    const given = { '--compress': compress, '--encrypt-to': encryptTo, '--sign-key': signKey };
    const lonely = Object.entries(given).find(([, value]) => value !== undefined)?.[0];
    if (lonely !== undefined) throw new UsageError(`${lonely} is for snapshots, which need a name: -t NAME`);
    return undefined;
  }
  if (tag.includes(':')) throw new UsageError(`-t ${tag}: each snapshot gets the next number as its tag: give -t NAME`);
  return {
    name: tag,
    store,
    every: snapshotEvery === undefined ? undefined : parseDuration('snapshot-every', snapshotEvery),
    whenIdle: snapshotWhenIdle === undefined ? undefined : parseDuration('snapshot-when-idle', snapshotWhenIdle),
    on: several(snapshotOn).map(parseSignal),
    keep: keep === undefined ? undefined : parseKeep(keep, 1),
    capture: { ...form(options), ...trust(options) },
  };
}

function parseSignal(text: string): TriggerSignal {
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  const known = SIGNALS.find((signal) => signal === name);
  if (known === undefined) throw new UsageError(`--snapshot-on ${text}: expected one of ${SIGNALS.join(', ')}`);
  return known;
}

/** @param least that may be kept. @throws UsageError */
export function parseKeep(text: string, least: number): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
    throw new UsageError(`--keep ${text}: expected a number, from ${least} on`);
  }
  return Number(text);
}
