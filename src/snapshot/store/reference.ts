/** What a generation in a store is called: NAME:TAG, or NAME alone for the newest one. */

import { InputError } from '../../base/errors.js';

/** As of a tag in a registry: it is to be one some day (OCI Distribution Specification 1.1, "Pulling manifests"). */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export interface Reference {
  readonly name: string;
  readonly tag: string | undefined;
}

/** @returns undefined for what is none, whatever it may be else */
export function readReference(text: string): Reference | undefined {
  const [name, tag, ...rest] = text.split(':');
  if (rest.length > 0 || !NAME.test(name) || (tag !== undefined && !TAG.test(tag))) return undefined;
  return { name, tag };
}

/** @throws InputError 'reference' */
export function parseReference(text: string): Reference {
  const reference = readReference(text);
  if (reference) return reference;
  throw new InputError(
    'reference',
    `${text}: is no name of a snapshot in a store: it must be NAME or NAME:TAG, of letters, digits, '.', '_' and '-', the name with at most 64 of them`,
  );
}

export function referenceText(name: string, tag: string): string {
  return `${name}:${tag}`;
}

/** Tags that the store gives by itself are numbers, from 1 on. @returns NaN for others */
export function tagNumber(tag: string): number {
  return /^[1-9][0-9]{0,8}$/.test(tag) ? Number(tag) : Number.NaN;
}
