/**
 * Versions of an image's formats. An image states them in its identity: `format`, of the identity and the image as a
 * whole, and `siteTables`, absent (1) in older images. Older formats stay readable for ever. Newer ones are refused.
 *
 *     format 1    tables without a version
 *     format 2    site tables of version 2
 *     format 3    packed modules; later site tables of version 3
 */

import { InputError } from '../../base/errors.js';
import { TABLES_VERSION } from '../contract/site-tables.js';

export const IDENTITY_FORMAT = 3;

/** The version fields of an identity, unchecked. */
export interface ClaimedVersions {
  readonly format?: unknown;
  readonly siteTables?: unknown;
  readonly compiler?: unknown;
}

/** @throws InputError 'newer-image' */
export function checkVersions({ format, siteTables, compiler }: ClaimedVersions): void {
  const newer = (what: string, claimed: unknown, known: number) => {
    if (!(typeof claimed === 'number' && claimed > known)) return;
    const maker = typeof compiler === 'string' && /^\d[\w.+-]{0,40}$/.test(compiler) ? `wag-snap ${compiler}` : 'that';
    throw new InputError(
      'newer-image',
      `the image is of a newer wag-snap: it has ${what} ${claimed}, this wag-snap reads 1 to ${known}. Use ${maker} or a later one, or compile the module again`,
    );
  };
  newer('image format', format, IDENTITY_FORMAT);
  newer('site tables of version', siteTables, TABLES_VERSION);
}
