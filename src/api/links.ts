/** The modules that a program is linked to. */

import { UsageError } from '../base/errors.js';
import type { LinkedModule } from '../image/image-source.js';

export type { LinkedModule };

/**
 * Modules by the names that the program imports them by: paths, or bytes in either form. They are instantiated in this
 * order, and may import those before them.
 */
export type Links = Readonly<Record<string, string | Uint8Array>>;

/** Characters of a name: a snapshot keeps as many. */
const NAME_MAX = 4096;

/** @throws InputError when one cannot be read, UsageError for a name that cannot be */
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
