/**
 * Captures a program at every site that it reaches, the first time it gets there, and restores it.
 *
 * For each site a copy of the image gets trap text with a trap at that site alone and is started with WAGSNAP_PARK=1:
 * it parks there, or runs to its end when the site is not on its way. What the two halves print must be what the whole
 * prints, and the exit code the same.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSnapshot } from '../../src/api/stored-snapshot.js';
import { InputError, ToolError } from '../../src/base/errors.js';
import { FUNC_GUEST, FUNC_IMPORT } from '../../src/image/contract/site-tables.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { startLazily } from '../support/lazy-process.js';
import { random } from '../support/random.js';
import { byKind, exhaustive } from '../support/sampling.js';
import { SingleSiteImage } from '../support/single-site-image.js';
import {
  type Built,
  captureAndEnd,
  type Ending,
  restoreAndStart,
  type StartOptions,
  Workload,
} from '../support/workload.js';

/** How long a process that could not be captured has for its end. */
const ENDS_WITHIN = 60_000; // milliseconds

export interface EverySiteResult {
  /** Those to choose from. */
  readonly sites: number;
  readonly tried: number;
  /** Those that are on the program's way, as text offsets. */
  readonly reached: readonly number[];
  /** A line per site that went wrong. */
  readonly failures: string[];
}

/** Sites by chance, of all kinds that are on the program's way: see support/sampling.ts. */
export interface SiteSample {
  /** Whether each capture is a difference to the one before, in chains of CHAIN. */
  readonly chained?: boolean;
  /** Whether all of its memory comes while the restored program runs. */
  readonly lazy?: boolean;
  /** So many that are reached are enough, with one of each kind. */
  readonly reached: number;
  readonly seed: number;
}

const CHAIN = 10;
/** A kind of which so many were not reached is not looked for any more. */
const IN_VAIN = 15;

/**
 * @param limit tries at most so many sites, evenly over the program; or a sample
 * @param onto what to restore onto: the same module, perhaps compiled in another way
 * @param sites text offsets to choose from; default: all of the guest's
 */
export async function captureAtEverySite(
  built: Built,
  folder: string,
  options: StartOptions,
  limit: number | SiteSample,
  onto = built,
  sites: readonly number[] = guestSites(built),
): Promise<EverySiteResult> {
  const whole = await Workload.start(built.path, options).ended();
  const sampled = typeof limit !== 'number' && !exhaustive;
  const chosen = sampled
    ? byKind(sites, (site) => kindOf(built, site), random(limit.seed))
    : evenly(sites, typeof limit === 'number' ? limit : sites.length);
  const missing = new Map(chosen.map((site) => [kindOf(built, site), IN_VAIN]));
  const single = new SingleSiteImage(built, join(folder, 'single'));
  const reached: number[] = [];
  const failures: string[] = [];
  let tried = 0;
  let parent: StoredSnapshot | undefined;
  for (const site of chosen) {
    if (sampled) {
      if (reached.length >= limit.reached && missing.size === 0) break;
      if (reached.length >= limit.reached && !missing.has(kindOf(built, site))) continue;
    }
    tried++;
    single.setTrap(site);
    const file = join(folder, `site${typeof limit !== 'number' && limit.chained ? reached.length : ''}.wsnap`);
    const isLazy = typeof limit !== 'number' && limit.lazy === true;
    const outcome = await tryOnce(onto, single.path, file, parent, options, whole, isLazy);
    if (outcome.reached) reached.push(site);
    if (typeof limit !== 'number' && limit.chained && outcome.reached && outcome.failure === undefined) {
      parent = reached.length % CHAIN === 0 ? undefined : await openSnapshot(file);
    }
    const kind = kindOf(built, site);
    const more = outcome.reached ? 0 : (missing.get(kind) ?? 1) - 1;
    if (more > 0) missing.set(kind, more);
    else missing.delete(kind);
    if (outcome.failure !== undefined)
      failures.push(`site at text ${site} (${describe(built, site)}): ${outcome.failure}`);
  }
  return { sites: sites.length, tried, reached, failures };
}

function evenly<T>(items: readonly T[], limit: number): T[] {
  const step = Math.max(1, items.length / limit);
  return Array.from({ length: Math.min(limit, items.length) }, (_, i) => items[Math.floor(i * step)]);
}

async function tryOnce(
  built: Built,
  image: string,
  file: string,
  parent: StoredSnapshot | undefined,
  options: StartOptions,
  whole: Ending,
  isLazy: boolean,
): Promise<{ reached: boolean; failure?: string }> {
  const first = Workload.start(image, { ...options, env: { WAGSNAP_PARK: '1' } });
  const captured = await captureAndEnd(first, file, parent).then(
    () => undefined,
    (error: Error) => error,
  );
  if (captured !== undefined) {
    // Not reached: it ended by itself, perhaps while the capture tool was looking at it. What the tool could not read
    // from a process that it had stopped is a failure, even when the process then ends well.
    if (!foundNoProcess(captured)) {
      first.kill();
      await first.ended();
      return { reached: true, failure: captured.stack };
    }
    const ending = await Promise.race([first.ended(), sleep(ENDS_WITHIN, undefined, { ref: false })]);
    if (ending !== undefined) return { reached: false, failure: difference(ending, whole) };
    first.kill();
    await first.ended();
    return { reached: true, failure: captured.stack };
  }
  const { stdout } = await first.ended();
  const output = `${file}.resumable`;
  const second = await (isLazy ? endsLazily(file, built, output, options) : ends(file, built, output, options));
  return { reached: true, failure: difference({ ...second, stdout: stdout + second.stdout }, whole) };
}

async function ends(file: string, built: Built, output: string, options: StartOptions): Promise<Ending> {
  return (await restoreAndStart(await openSnapshot(file), built, output, options)).ended();
}

async function endsLazily(file: string, built: Built, output: string, { dirs }: StartOptions): Promise<Ending> {
  const { workload, end } = await startLazily(file, built, output, { dirs, stdin: 'ignore' });
  const ending = await workload.ended();
  end();
  for (const path of [`${output}.lazy`, `${output}.list`]) rmSync(path);
  return ending;
}

/** Whether a capture failed as the process had ended: seen at a bad moment, its executable may be gone already. */
function foundNoProcess(error: Error): boolean {
  return error instanceof ToolError || (error instanceof InputError && ['not-ours', 'no-process'].includes(error.code));
}

export function difference(ending: Ending, whole: Ending): string | undefined {
  if (ending.code === whole.code && ending.stdout === whole.stdout) return undefined;
  return `code ${ending.code} instead of ${whole.code}, ${ending.stdout === whole.stdout ? 'same' : 'other'} output: ${JSON.stringify((ending.stderr + ending.stdout).slice(-300))}`;
}

/** Text offsets of all sites of guest functions and thunks. */
export function guestSites({ image }: Built): number[] {
  const { sites } = image;
  const offsets: number[] = [];
  for (let row = 0; row < sites.functionCount; row++) {
    const { kind } = sites.function(row);
    if (kind !== FUNC_GUEST && kind !== FUNC_IMPORT) continue;
    const { first, end } = sites.sitesOf(row);
    for (let site = first; site < end; site++) offsets.push(sites.site(site).textOffset);
  }
  return offsets;
}

/** Text offsets of the same sites in another image of the module. */
export function sitesIn({ image: to }: Built, { image: from }: Built, textOffsets: readonly number[]): number[] {
  return textOffsets.map((textOffset) => {
    const { bodyOffset, kind } = from.sites.site(from.sites.siteAt(textOffset));
    const { instance, index } = from.sites.function(from.sites.functionAt(textOffset));
    return to.sites.site(to.sites.siteFor(instance, index, bodyOffset, kind)).textOffset;
  });
}

/** A call, a loop or an entry, of a function or of the thunk of an import. */
export function kindOf({ image: { sites } }: Built, textOffset: number): string {
  const kind = ['call', 'loop', 'entry'][sites.site(sites.siteAt(textOffset)).kind];
  return sites.function(sites.functionAt(textOffset)).kind === FUNC_IMPORT ? `${kind} of an import` : kind;
}

function describe(built: Built, textOffset: number): string {
  const { sites } = built.image;
  const { bodyOffset } = sites.site(sites.siteAt(textOffset));
  return `${kindOf(built, textOffset)} at ${bodyOffset} in ${built.image.functionName(sites.functionAt(textOffset))}`;
}
