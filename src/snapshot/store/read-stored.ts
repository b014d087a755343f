/** Reads a snapshot that is to be stored. */

import { hostname } from 'node:os';
import { believe } from '../belief.js';
import { locateAncestors } from '../chain.js';
import type { Opener } from '../opener.js';
import { type Facts, factsOf } from './facts.js';
import type { Reference } from './reference.js';

/**
 * @param isNew whether its pages need no check, as they were written just now
 * @returns what the store says of a snapshot, and the earlier files that it needs
 */
export async function readStored(
  path: string,
  { name }: Reference,
  parents: readonly string[],
  opener: Opener,
  host = hostname(),
  isNew = false,
): Promise<{ readonly facts: Facts; readonly files: readonly string[] }> {
  const stored = await locateAncestors(await opener.read(path, name), { parents, opener });
  if (!isNew) await believe(stored);
  return { facts: factsOf(stored, host), files: (stored.ancestors ?? []).map((file) => file.path) };
}
