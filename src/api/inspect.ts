/** Describes anything of ours as data. Neither changes nor stops it. */

import { InputError } from '../base/errors.js';
import type { SignalOption } from './common-options.js';
import type { Description, FileDescription, SnapshotDescription } from './description.js';
import { attachSubject } from './find-process.js';
import { typeOf } from './open.js';
import type { TrustOptions } from './seal-options.js';

/**
 * Describes a module, an image, a snapshot, a coredump or a running program. Returns the object that `wag-snap inspect
 * --json` prints.
 *
 * @param subject the path of a file, or a program's name or pid; a file takes precedence
 * @throws InputError when it is none of these, or damaged; LimitError, ToolError
 */
export async function inspect(
  subject: string | number,
  options: SignalOption & TrustOptions = {},
): Promise<Description> {
  const process = await attachSubject(subject, options.signal);
  if (process === undefined) return describePath(String(subject), options);
  try {
    const { describeProcess } = await import('./describe-process.js');
    return describeProcess(process);
  } finally {
    process.close();
  }
}

async function describePath(path: string, trust: TrustOptions): Promise<FileDescription | SnapshotDescription> {
  const { kind, what, advice } = typeOf(path);
  if (kind === 'other') {
    const takes = 'inspect takes a module, an image or a snapshot';
    throw new InputError('wrong-kind', [`${path} is ${what}`, takes, ...(advice ? [advice] : [])].join('; '));
  }
  if (kind !== 'snapshot') return (await import('./describe.js')).describeFile(path, kind, path);
  const { OpenedSnapshot } = await import('./opened-snapshot.js');
  const { identities, verifyKeys, policy } = trust;
  const snapshot = await OpenedSnapshot.open(path, { identities, verifyKeys, policy });
  try {
    return snapshot.describe();
  } finally {
    snapshot.close();
  }
}
