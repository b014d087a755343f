/** The tags of a repository, page by page. */

import * as z from 'zod';
import { InputError, LimitError } from '../../base/errors.js';
import type { RegistryClient } from './client.js';
import { badAnswer } from './errors.js';
import { registryText } from './reference.js';

const PAGE = 1000;
const schema = z.looseObject({ tags: z.array(z.string()).nullable().optional() });
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * @param most how many there may be
 * @throws InputError 'no-repository'; LimitError when there are more; RegistryError
 */
export async function listTags(client: RegistryClient, most: number): Promise<string[]> {
  const found = new Set<string>();
  let next: URL | undefined = await client.addressNow(`tags/list?n=${PAGE}`);
  for (let pages = 0; next !== undefined; pages++) {
    const { response, bytes } = await client.document(next, { method: 'GET', expect: [200, 404], what: 'its tags' });
    if (response.statusCode === 404) {
      throw new InputError('no-repository', `${client.where}: the registry has no such repository`);
    }
    for (const tag of tagsIn(bytes, client.where)) found.add(tag);
    if (found.size > most || pages > most) {
      const one = registryText({ ...client.reference, digest: undefined, tag: 'TAG' });
      throw new LimitError('tags', `${client.where}: has more than ${most} tags: name one, as ${one}`);
    }
    next = nextPage(response.headers.link, next);
    if (next !== undefined && next.origin !== (await client.addressNow('')).origin) {
      throw badAnswer(client.where, 'its list of tags leads to another host');
    }
  }
  return [...found];
}

/** Those that are none are left out, as nothing can be asked of them. */
function tagsIn(bytes: Buffer, where: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw badAnswer(where, 'its list of tags is not JSON');
  }
  const { data } = schema.safeParse(value);
  if (data === undefined) throw badAnswer(where, 'its list of tags is none');
  return (data.tags ?? []).filter((tag) => TAG.test(tag));
}

/** RFC 8288. */
function nextPage(link: string | string[] | undefined, from: URL): URL | undefined {
  const target = /^\s*<([^>]{1,8192})>\s*;\s*rel="?next"?/i.exec(String(link ?? ''))?.[1];
  if (target === undefined) return undefined;
  try {
    return new URL(target, from);
  } catch {
    return undefined;
  }
}
