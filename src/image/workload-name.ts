/**
 * Names of workloads: which are valid, and how an image stores one.
 *
 * A name begins with a letter, so it looks neither like a pid nor like an option. runtime/process/environment.ts has
 * the same rule for WAGSNAP_NAME.
 */

import { NAME_MAX, RT_NAME, RT_NAME_LENGTH } from './contract/runtime-block.js';
import type { DataPatch } from './data-patch.js';
import type { ImageDescription } from './reader.js';

/** The environment variable that gives a process its name. */
export const NAME_VARIABLE = 'WAGSNAP_NAME';

/** The rule for names, for messages. */
export const NAME_RULE = `a letter (a-z, A-Z), then letters, digits and . _ -, ${NAME_MAX} characters at most`;

/** Why a text is not a valid name, in words; undefined when it is valid. */
export function nameProblem(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (!/^[a-zA-Z]/.test(text)) return 'it does not begin with a letter';
  const odd = /[^a-zA-Z0-9._-]/u.exec(text);
  if (odd !== null) return `it has the character ${JSON.stringify(odd[0])}`;
  return text.length > NAME_MAX ? `it has ${text.length} characters` : undefined;
}

export function isWorkloadName(text: string): boolean {
  return nameProblem(text) === undefined;
}

/** The name in an image that continues a snapshot. Undefined: none, or an invalid one. */
export function nameInImage(image: ImageDescription): string | undefined {
  const start = image.outline.data.imageOffset;
  const bytes = Buffer.from(image.loadedBytes(start + RT_NAME_LENGTH, RT_NAME + NAME_MAX - RT_NAME_LENGTH));
  const at = RT_NAME - RT_NAME_LENGTH;
  const name = bytes.toString('latin1', at, at + Math.min(bytes.readUInt32LE(0), NAME_MAX));
  return isWorkloadName(name) ? name : undefined;
}

/** @param name a valid name; undefined: none */
export function putName(data: DataPatch, name: string | undefined): void {
  const bytes = Buffer.alloc((NAME_MAX + 1) & ~3);
  bytes.write(name ?? '', 'latin1');
  data.u32(data.start + RT_NAME_LENGTH, name?.length ?? 0);
  for (let i = 0; i < bytes.length; i += 4) data.u32(data.start + RT_NAME + i, bytes.readUInt32LE(i));
}
