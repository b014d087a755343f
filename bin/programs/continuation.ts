/** Continuing with a snapshot here, for `restore` and `fork`: what it is given, and whether all of it is there. */

import type { Grants } from '../../src/api/restore-grants.js';
import { InputError } from '../../src/base/errors.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import type { ContinuationOptions } from '../options/continuation.js';
import { parseFds } from '../options/fd-option.js';
import { shellWord } from '../options/shell-word.js';
import { parseDir, several } from '../options/usage.js';
import { printWarning, warnOfCacheGrant } from '../show/warning.js';

export interface LookSettings {
  /** How many clones there are to be; undefined: it is one program. */
  readonly count: number | undefined;
  /** Whether files and addresses are looked at here. */
  readonly check: boolean;
}

/** @throws UsageError; InputError that names all that is missing here */
export async function grantsHere(
  stored: StoredSnapshot,
  options: ContinuationOptions,
  { count, check }: LookSettings,
): Promise<Grants> {
  const dirs = several(options.dir).map(parseDir);
  const fds = parseFds(several(options.fd));
  const [{ checkHere }, { grantsFor }] = await Promise.all([
    import('../../src/api/restored-image.js'),
    import('../../src/api/restore-grants.js'),
  ]);
  const { sameDirs } = options;
  const grants = {
    ...(await grantsFor(stored, { dirs, listen: several(options.listen), fds, sameDirs })),
    clones: count,
  };
  if (check) {
    const warnings = await checkHere(stored, grants, options.strictFiles).catch(withCommandLine);
    for (const warning of warnings) printWarning(warning);
  }
  await warnOfCacheGrant(dirs);
  return grants;
}

/** To what was not given, adds the command line that gives what the snapshot had. */
async function withCommandLine(error: unknown): Promise<never> {
  const { RestoreProblems } = await import('../../src/api/restore-grants.js');
  if (!(error instanceof RestoreProblems)) throw error;
  const recorded = error.problems.flatMap(({ recorded = [] }) => recorded);
  if (recorded.length === 0) throw error;
  const words = ['wag-snap', ...process.argv.slice(2), ...recorded].map(shellWord);
  throw new InputError(error.code, error.headline, [...error.details, `with what it had: ${words.join(' ')}`]);
}
