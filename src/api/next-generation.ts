/** The capture of a running program as the next generation of a name in a store. */

import { BugError, InputError } from '../base/errors.js';
import { nameTemporary } from '../base/temporary-names.js';
import type { Opener } from '../snapshot/opener.js';
import { obstacleFor } from '../snapshot/readers.js';
import { isMostlyDead } from '../snapshot/store/dead-bytes.js';
import type { Generation } from '../snapshot/store/generation.js';
import type { Ingest } from '../snapshot/store/ingest.js';
import { type Reference, referenceText } from '../snapshot/store/reference.js';
import type { SnapshotStore } from '../snapshot/store/store.js';
import { checkSubject } from '../snapshot/trust/policy.js';
import { type Capturable, type CaptureOptions, type CaptureReport, capture, type WrittenSnapshot } from './capture.js';
import type { ReadParent } from './read-parent.js';
import { openerFor, planSeal, readKeys, type WithKeys } from './seal-options.js';

/** The most files in the chain of a generation. After that the next one is whole, as restore opens all of them. */
const CHAIN_MAX = 16;
const NEW = 'snapshot.wsnap';
/** Codes of errors about a generation that cannot be the parent of the next one. 'changed': it was removed meanwhile. */
const NO_PARENT = ['wrong-parent', 'encrypted', 'changed'];
/** The same, but the user should know: the generation is damaged, or not to be read or believed here. */
const BAD_PARENT = ['wrong-identity', 'untrusted', 'snapshot', 'signature', 'no-parent', 'store'];

/** What is written goes to the store; the rest is as for capture. */
export interface StoreCaptureOptions extends Omit<CaptureOptions, 'to' | 'parent' | 'search' | 'onDurable'> {
  /** Write the whole snapshot, even if an earlier generation contains most of it. */
  readonly whole?: boolean | undefined;
}

export interface StoredCapture {
  readonly generation: Generation;
  readonly report: CaptureReport;
}

/** @throws InputError, LimitError, ToolError; then the program continues, and the store is unchanged */
export async function captureNext(
  store: SnapshotStore,
  workload: Capturable | number | string,
  target: Reference,
  { whole = false, ...given }: StoreCaptureOptions,
): Promise<StoredCapture> {
  const { name, tag } = target;
  const title = tag === undefined ? name : referenceText(name, tag);
  const options = await readKeys(given);
  const { recipients, seal, opener } = await planSeal(options, name); // what is wrong is an error before anything is done
  store.list(); // and so is an index that is damaged
  store.checkReplacing(target, { isEncrypted: seal.isEncrypted, isSigned: seal.signer !== undefined });
  const ingest = store.ingest();
  let generation: Generation | undefined;
  let isWritten = false;
  const onDurable = async ({ created, module, ancestors }: WrittenSnapshot) => {
    isWritten = true;
    checkSubject(opener.trust, seal, { stored: name, module }, title);
    const how = seal.isEncrypted ? { hidden: created, parents: ancestors } : { opener, isNew: true };
    generation = await store.add(ingest, NEW, target, { ...how, order: 'newest' });
    return `${generation.name}:${generation.tag} (${store.folder})`;
  };
  try {
    const wholeInstead = (why: string) =>
      options.onWarning?.(`${why}: the whole snapshot is written, not what differs from it`);
    /** Of another program, or one that cannot be read or must not be believed. @throws all other errors */
    const noParent = (error: unknown): undefined => {
      if (isWritten || !(error instanceof InputError)) throw error;
      if (NO_PARENT.includes(error.code)) return undefined;
      if (!BAD_PARENT.includes(error.code)) throw error;
      return void wholeInstead(error.message);
    };
    const places = { ...options, recipients };
    const parent = whole ? undefined : await chooseParent(store, name, ingest, places, wholeInstead).catch(noParent);
    const to = ingest.pathOf(NEW);
    nameTemporary(to, title);
    const take = (own: { parent?: ReadParent }) => capture(workload, { ...options, ...own, to, onDurable });
    const report = await (parent === undefined
      ? take({})
      : take({ parent }).catch((error) => {
          noParent(error);
          return take({});
        }));
    if (generation === undefined) throw new BugError('a capture has ended that is not durable');
    return { generation, report };
  } finally {
    ingest.close();
  }
}

/**
 * Reads the newest generation, and keeps its files.
 *
 * @param wholeInstead told why the next one is whole, if the user should know
 * @returns undefined when the next generation is to be whole
 * @throws InputError when the newest one cannot be read, or must not be believed
 */
async function chooseParent(
  store: SnapshotStore,
  name: string,
  ingest: Ingest,
  { recipients, ...options }: StoreCaptureOptions & WithKeys & { readonly recipients: readonly string[] },
  wholeInstead: (why: string) => void,
): Promise<ReadParent | undefined> {
  const newest = store.find({ name, tag: undefined });
  if (newest === undefined || newest.parents.length + 1 >= CHAIN_MAX) return undefined;
  const { tag, facts } = newest.generation;
  const isSecret = recipients.length > 0;
  // what is not encrypted stays readable, and what is cannot be read by everybody
  if (isSecret !== facts.encrypted) return undefined;
  const kept: string[] = [];
  for (const path of [newest.path, ...newest.parents]) {
    kept.push(await ingest.keep(store.blobs.digestOf(path) ?? ''));
    nameTemporary(kept[kept.length - 1], referenceText(name, tag));
  }
  const [path, ...parents] = kept;
  const stored = await readNewest(path, parents, name, await openerFor(options));
  const obstacle = isSecret ? obstacleFor(stored, recipients) : undefined;
  if (obstacle !== undefined) return void wholeInstead(obstacle);
  if (isMostlyDead(stored, () => store.unowned(name, newest.parents))) return undefined;
  return { stored, files: kept };
}

async function readNewest(path: string, parents: readonly string[], name: string, opener: Opener) {
  const { openSnapshot } = await import('./stored-snapshot.js');
  return openSnapshot(path, { parents, opener, name, beside: false });
}
