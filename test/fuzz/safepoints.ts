/**
 * Safepoints of a program in the order in which it reaches them, by the interpreter; and processes that stop at one.
 *
 * An x86-64 process passes safepoints by single steps until it parks at the n-th (WAGSNAP_PARK=n). ARM64 lets no
 * program do that: there trap text has a trap at one site alone, and the process parks when it first gets there.
 */

import type { ModuleInput } from '../../src/compile/link/compile.js';
import { SITE_CALL, SITE_ENTRY, SITE_LOOP } from '../../src/image/contract/site-tables.js';
import { readImage } from '../../src/image/reader.js';
import { FIRST_GUEST } from '../../src/snapshot/snapshot.js';
import type { Module } from '../../src/wasm/module.js';
import { ExternKind } from '../../src/wasm/module.js';
import { ARCHES, specTarget } from '../spec/targets.js';
import { SingleSiteImage } from '../support/single-site-image.js';
import { Interpreter } from './interpreter.js';
import type { InterpreterFrame } from './interpreter-frame.js';
import { link, type Memory } from './machine.js';
import type { Raw } from './numeric-oracle.js';
import { Process } from './process.js';

/** Modules in the order of their instances, and what each is imported by. */
export interface Program {
  readonly modules: readonly (ModuleInput & { readonly name: string })[];
  readonly deterministic: boolean;
}

/** A safepoint of a program's run. */
export interface Stop {
  /** How many have been reached with it. */
  readonly n: number;
  readonly site: Site;
}

interface Site {
  readonly instance: number;
  readonly index: number;
  readonly kind: InterpreterFrame['kind'];
  readonly offset: number;
}

/** The last safepoint that is tried: each one passed costs a signal. */
const FARTHEST = 2000;

/** One buffer; the interpreter prints nothing. */
export function fdWrite({ view }: Memory, args: readonly Raw[]): Raw[] {
  const [, buffers, , written] = args.map(Number);
  view.setUint32(written, view.getUint32(buffers + 4, true), true);
  return [0];
}

/** The n-th safepoint of a run by the interpreter; undefined when there are fewer. */
export function interpret(
  { modules, deterministic }: Program,
  n: number,
  visit?: (frame: InterpreterFrame) => void,
): Interpreter | undefined {
  const decoded: readonly Module[] = modules.map(({ module }) => module);
  const names = modules.map(({ name: called }) => called);
  const instances = link(decoded, names, { fd_write: fdWrite });
  const main = instances[instances.length - 1];
  const interpreter = new Interpreter(instances, deterministic, visit);
  return interpreter.run(main.functions[main.find('_start', ExternKind.Func)], n) ? interpreter : undefined;
}

/** The stops at each site: so that one in a loop is not chosen more often than one that is reached once. */
export function safepoints(program: Program): Stop[][] {
  const bySite = new Map<string, Stop[]>();
  let n = 0;
  interpret(program, FARTHEST, ({ entry: { instance, index }, kind, offset }) => {
    const site = { instance, index, kind, offset };
    const key = `${instance} ${index} ${kind} ${offset}`;
    const list = bySite.get(key) ?? [];
    bySite.set(key, list);
    list.push({ n: ++n, site });
  });
  return [...bySite.values()];
}

/** CPUs whose images can be started here. */
export const runnable: readonly string[] = ARCHES.filter((arch) => specTarget(arch) !== undefined);

/**
 * Whether a CPU's processes can pass safepoints: those of others, and emulated ones, park where they first reach a
 * site.
 */
export function passesSafepoints(arch: string): boolean {
  const { target, launcher } = specTarget(arch)!;
  return target.hostConstants.SINGLE_STEP_FLAG !== 0 && launcher.length === 0;
}

/**
 * Starts an image that parks at a safepoint.
 *
 * @param before how many safepoints of the whole run come before those of this image
 * @param fd becomes descriptor 3
 */
export function startParking(path: string, arch: string, { n, site }: Stop, before: number, fd?: number): Process {
  const { target, launcher } = specTarget(arch)!;
  if (passesSafepoints(arch)) return new Process([...launcher, path], { WAGSNAP_PARK: `${n - before}` }, fd);
  const image = readImage(path);
  const { instance, index, kind, offset } = site;
  const siteKind = kind === 'loop' ? SITE_LOOP : kind === 'entry' ? SITE_ENTRY : SITE_CALL;
  const row = image.sites.siteFor(FIRST_GUEST + instance, index, offset, siteKind);
  const single = new SingleSiteImage({ path, image, target }, `${path}-single`);
  single.setTrap(image.sites.site(row).textOffset);
  return new Process([...launcher, single.path], { WAGSNAP_PARK: '1' }, fd);
}
