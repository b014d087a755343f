/** The modules that a program is linked to. */

import { UsageError } from '../base/errors.js';
import type { LinkedModule } from '../image/image-source.js';

export type { LinkedModule };

/**
 * Modules by the names under which the program imports them: paths, or bytes of either form. They are instantiated in
 * this order, and each may import those before it.
 */
export type Links = Readonly<Record<string, string | Uint8Array>>;

/** The longest name, in characters, as in snapshots. */
const NAME_MAX = 4096;

/** @throws InputError when a module cannot be read, UsageError for an invalid name */
export async function readLinks(links: Links): Promise<LinkedModule[]> {
  const { readModuleBytes } = await import('../wasm/wat.js');
  const linked: LinkedModule[] = [];
  for (const [name, module] of Object.entries(links)) {
    const file = typeof module === 'string' ? module : name;
    linked.push({ name: checkLinkName(name), bytes: await readModuleBytes(module, file), file });
  }
  return linked;
}

/** @throws UsageError */
export function checkLinkName(name: string): string {
  if (name !== '' && name.length <= NAME_MAX) return name;
  throw new UsageError(`--link: a module is linked by a name of 1 to ${NAME_MAX} characters`);
}
