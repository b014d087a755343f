/** Refuses programs that need an embedder where there is none. */

import { InputError } from '../../base/errors.js';
import type { EmbedderImport } from '../../image/tables/identity.js';

const SHOWN = 10;

/** @throws InputError 'imports' when the program imports functions of an embedder */
export function refuseWithoutEmbedder(hostImports: readonly EmbedderImport[], name: string): void {
  if (hostImports.length === 0) return;
  const shown = hostImports.slice(0, SHOWN).map(({ module, name }) => `${module}.${name}`);
  const more = hostImports.length > SHOWN ? ` and ${hostImports.length - SHOWN} more` : '';
  throw new InputError(
    'imports',
    `${name} calls functions of the program that starts it (${shown.join(', ')}${more}): ` +
      'start it through the library, with these functions as `imports`',
  );
}
