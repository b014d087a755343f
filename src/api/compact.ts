/** Writes a snapshot that is a difference to others as a single file. */

import { resolve } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { type Destination, openDestination } from '../base/output.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { FileForm } from '../snapshot/writer.js';
import type { OutputOption, ProgressOption, SignalOption } from './common-options.js';
import { keyFiles } from './key-files.js';
import { type FormOptions, readForm } from './seal-options.js';
import type { ChainOptions } from './stored-snapshot.js';

export interface CompactOptions extends ChainOptions, FormOptions, OutputOption, ProgressOption, SignalOption {}

/**
 * Writes a snapshot that needs no other file. First compares all files that it is made of with their digests.
 *
 * @throws InputError when a file is damaged, missing or wrong; ToolError
 */
export async function compact(snapshot: string, options: CompactOptions): Promise<void> {
  const { to, signal, onProgress } = options;
  const { filesOf, openSnapshot, placesFor } = await import('./stored-snapshot.js');
  const form = await readForm(options);
  const stored = await openSnapshot(snapshot, await placesFor(options));
  const destination = openDestination(resolve(to), [...filesOf(stored), ...keyFiles(options)]);
  await compactOpened(stored, destination, { form, signal, onProgress });
}

/** Compacts a snapshot that was opened with all of its files (stored-snapshot.ts). @returns bytes of the new file */
export async function compactOpened(
  stored: StoredSnapshot,
  output: Destination,
  { form, signal, onProgress }: ProgressOption & SignalOption & { readonly form?: FileForm | undefined },
): Promise<number> {
  const [{ compactSnapshot }, { believe }, { verifySnapshot }] = await Promise.all([
    import('../snapshot/compact.js'),
    import('../snapshot/belief.js'),
    import('../snapshot/verify.js'),
  ]);
  const cancel = new Cancellation('nothing was written', signal);
  const check = () => cancel.check();
  await (stored.mustBeSigned ? believe(stored, check) : verifySnapshot(stored, check));
  const report = (done: number, total: number) => {
    cancel.check();
    onProgress?.(done, total);
  };
  return compactSnapshot(stored, output, report, { ...form, check: () => cancel.check() });
}
