/** Names of generations in a store: NAME:TAG, or NAME alone for the newest one. */

import { InputError } from '../../base/errors.js';

/**
 * The rule for tags in a registry, so that it can be one later (OCI Distribution Specification 1.1, "Pulling
 * manifests").
 */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export interface Reference {
  readonly name: string;
  readonly tag: string | undefined;
}

/** @returns undefined when the text is no reference */
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
    `${text}: is not the name of a snapshot in a store: it must be NAME or NAME:TAG, of letters, digits, '.', '_' and '-', the name with at most 64 of them`,
  );
}

export function referenceText(name: string, tag: string): string {
  return `${name}:${tag}`;
}

/** The largest number of a generation: it has fifteen digits. */
export const NUMBER_MAX = 999_999_999_999_999;

/** The number of a tag that the store has chosen: these are numbers from 1 on. @returns NaN for others */
export function tagNumber(tag: string): number {
  return /^[1-9][0-9]{0,14}$/.test(tag) ? Number(tag) : Number.NaN;
}
