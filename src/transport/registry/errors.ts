/** What a registry refuses, and what goes wrong on the way to it. */

import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import { InputError, ToolError } from '../../base/errors.js';
import { quoted } from '../../base/terminal-text.js';

/** Of a registry's words, so many characters are shown. */
const SHOWN = 200;
/** Milliseconds that a registry may ask us to wait. */
const LONGEST_WAIT = 120_000;
const TRANSIENT = [408, 425, 429, 500, 502, 503, 504];

/** The link to a registry, or an answer of it, which another try may mend. */
export class RegistryError extends ToolError {
  constructor(
    code: string,
    headline: string,
    details: readonly string[] = [],
    /** Undefined: there was no answer. */
    readonly status?: number,
    /** Milliseconds after which the registry wants to be asked again. */
    readonly retryAfter?: number,
  ) {
    super(code, headline, details);
  }

  /** Whether the same request may succeed later. */
  get isTransient(): boolean {
    return this.status === undefined ? this.code === 'registry-link' : TRANSIENT.includes(this.status);
  }
}

/** No answer, or half of one. @param where as the user knows it */
export function linkError(where: string, why: string): RegistryError {
  return new RegistryError('registry-link', `${where}: ${why}`);
}

/** What a registry has sent is not what it should be. */
export function badAnswer(where: string, what: string): InputError {
  return new InputError('registry', `${where}: ${what}`);
}

/**
 * The error for a status that was not expected.
 *
 * @param what was asked for, in words
 * @param body as far as it was read: `{"errors":[{"code":…,"message":…}]}`, or anything
 */
export function statusError(
  where: string,
  what: string,
  status: number,
  headers: IncomingHttpHeaders,
  body: string,
): RegistryError {
  const said = wordsOf(body);
  const host = where.replace(/^oci:\/\//, '').split('/')[0];
  const text = `${where}: ${what}: the registry answers ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  if (status === 401 || status === 403) {
    const hint = `docker login ${host} or podman login ${host} keeps a user and a password for it`;
    return new RegistryError('registry-denied', `${text}${said}: ${hint}`, [], status);
  }
  return new RegistryError('registry-answer', `${text}${said}`, [], status, waitOf(headers['retry-after']));
}

/** @returns milliseconds */
export function waitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(0, wait), LONGEST_WAIT);
}

function wordsOf(body: string): string {
  try {
    const { errors } = JSON.parse(body) as { errors?: unknown };
    const [first] = Array.isArray(errors) ? (errors as { code?: unknown; message?: unknown }[]) : [];
    const words = [first?.code, first?.message].filter((one): one is string => typeof one === 'string' && one !== '');
    return words.length === 0 ? '' : ` (${quoted(words.join(': ').slice(0, SHOWN))})`;
  } catch {
    return '';
  }
}
