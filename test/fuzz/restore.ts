/**
 * Hostile snapshots: real ones with a random mutation each. Whatever is wrong with a snapshot must end as InputError or
 * LimitError; one that is accepted must run like a program that could have got there: to an end, a trap or a time
 * limit, never to a signal outside of the guest's rules.
 *
 * Mutations are of three kinds: bytes of the file (mostly found by its hash), bytes of the header with the hash made to
 * fit, and fields of the decoded snapshot, of which some are chosen to look right.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { launch } from '../../src/api/launch.js';
import { InputError, LimitError } from '../../src/base/errors.js';
import { writeResumable } from '../../src/restore/restore.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { decodeHeader, encodeHeader } from '../../src/snapshot/header.js';
import { encodePrologue, PROLOGUE_SIZE } from '../../src/snapshot/prologue.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import type { Built } from '../support/workload.js';
import { mutateSnapshot } from './restore-mutations.js';

/** A real snapshot and what it takes to restore it. */
export interface FuzzSeed {
  readonly name: string;
  readonly file: string;
  readonly built: Built;
  /** The same for the other CPU, when it can be run. */
  readonly other: Built | undefined;
}

export interface FuzzCounts {
  refused: number;
  ran: number;
  trapped: number;
  timedOut: number;
  /** What must not be, with the mutation that led there. */
  readonly failures: string[];
}

/** Exit codes of a process that says in its own words why it cannot continue. */
const RUN_LIMIT = 400; // milliseconds
const EMULATED_LIMIT = 2500;
/** How many are restored on the other CPU, which takes long. */
const ON_OTHER_CPU = 0.03;
const EXIT_TRAP = 134;

/**
 * @param next random numbers in [0, 1)
 * @param folder for files; also what the guests get as directory
 */
export async function fuzzRestore(
  seeds: readonly FuzzSeed[],
  count: number,
  next: () => number,
  folder: string,
): Promise<FuzzCounts> {
  const counts: FuzzCounts = { refused: 0, ran: 0, trapped: 0, timedOut: 0, failures: [] };
  const originals = seeds.map(({ file }) => readFileSync(file));
  for (let i = 0; i < count; i++) {
    const n = Math.floor(next() * seeds.length);
    const log: string[] = [`#${i} of ${seeds[n].name}`];
    try {
      await one(seeds[n], originals[n], next, folder, log, counts);
    } catch (error) {
      if (error instanceof InputError || error instanceof LimitError) counts.refused++;
      else counts.failures.push(`${log.join(', ')}: ${(error as Error).stack}`);
    }
    await setImmediate(); // lets the runner hear of this process
  }
  return counts;
}

async function one(
  seed: FuzzSeed,
  original: Buffer,
  next: () => number,
  folder: string,
  log: string[],
  counts: FuzzCounts,
): Promise<void> {
  const mutated = join(folder, 'mutated.wsnap');
  const kind = next();
  let stored: StoredSnapshot;
  if (kind < 0.15) stored = readSnapshot(mutateFile(original, mutated, next, log));
  else if (kind < 0.5) stored = readSnapshot(mutateHeader(original, mutated, next, log));
  else {
    stored = readSnapshot(seed.file);
    const header = encodeHeader(mutateSnapshot(stored.snapshot, next, log));
    stored = { ...stored, snapshot: decodeHeader(header, Number(original.readBigUInt64LE(16)), stored.path) };
  }
  const output = join(folder, 'resumable');
  const directories = [{ host: folder, guest: '.', readOnly: true }];
  const { image, modules, target } = (next() < ON_OTHER_CPU && seed.other) || seed.built;
  log.push(target.name);
  await writeResumable(stored, image, modules, { target, output, sourceFd: 3, directories });
  run(output, stored.path, target.name === process.arch ? RUN_LIMIT : EMULATED_LIMIT, log, counts);
}

/** Starts what was accepted. A trap is fine; a fatal signal is the runtime's word for what no guest can do. */
function run(image: string, snapshot: string, limit: number, log: string[], counts: FuzzCounts): void {
  const source = openSync(snapshot, 'r');
  try {
    const { program, args, argv0 } = launch(image, 'fuzz');
    const { signal, status, error, stderr } = spawnSync(program, args, {
      env: {},
      argv0,
      stdio: ['ignore', 'ignore', 'pipe', source],
      timeout: limit,
      killSignal: 'SIGKILL',
      encoding: 'latin1',
      maxBuffer: 1 << 24,
    });
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    if (code === 'ETIMEDOUT') counts.timedOut++;
    else if (error) throw error;
    else if (signal !== null) counts.failures.push(`${log.join(', ')}: killed by ${signal}: ${stderr}`);
    else if (/fatal|bug/i.test(stderr)) counts.failures.push(`${log.join(', ')}: ${stderr}`);
    else if (status === EXIT_TRAP) counts.trapped++;
    else counts.ran++;
  } finally {
    closeSync(source);
  }
}

/** Flips bits or cuts the file off, anywhere. */
function mutateFile(original: Buffer, path: string, next: () => number, log: string[]): string {
  let bytes: Buffer = Buffer.from(original);
  if (next() < 0.3) {
    bytes = bytes.subarray(0, Math.floor(next() * bytes.length));
    log.push(`cut to ${bytes.length} bytes`);
  } else {
    for (let k = 1 + Math.floor(next() * 4); k > 0; k--) {
      const at = Math.floor((next() < 0.5 ? Math.min(1, 64 / bytes.length) : 1) * next() * bytes.length);
      bytes[at] ^= 1 << Math.floor(next() * 8);
      log.push(`bit flip at ${at}`);
    }
  }
  writeFileSync(path, bytes);
  return path;
}

/** Changes bytes of the header and writes the hash that fits. */
function mutateHeader(original: Buffer, path: string, next: () => number, log: string[]): string {
  const offset = Number(original.readBigUInt64LE(16));
  const header = Buffer.from(original.subarray(offset));
  for (let k = 1 + Math.floor(next() * 3); k > 0; k--) {
    const at = Math.floor(next() * header.length);
    header[at] =
      next() < 0.5 ? header[at] ^ (1 << Math.floor(next() * 8)) : [0, 1, 0x7f, 0x80, 0xff][Math.floor(next() * 5)];
    log.push(`header byte ${at} = ${header[at]}`);
  }
  const bytes = Buffer.concat([original.subarray(0, offset), header]);
  encodePrologue(offset, header).copy(bytes, 0, 0, PROLOGUE_SIZE);
  writeFileSync(path, bytes);
  return path;
}
