/** Programs that call functions of whoever starts them, where there is nobody who has these. */

import { InputError } from '../../base/errors.js';
import type { EmbedderImport } from '../../image/tables/identity.js';

const SHOWN = 10;

/** @throws InputError 'imports' when a program calls functions of whoever starts it, and nobody has given them */
export function refuseWithoutEmbedder(hostImports: readonly EmbedderImport[], name: string): void {
  if (hostImports.length === 0) return;
  const shown = hostImports.slice(0, SHOWN).map(({ module, name }) => `${module}.${name}`);
  const more = hostImports.length > SHOWN ? ` and ${hostImports.length - SHOWN} more` : '';
  throw new InputError(
    'imports',
    `${name} calls functions of the program that starts it (${shown.join(', ')}${more}): ` +
      'start it by the library, with these as its imports',
  );
}
