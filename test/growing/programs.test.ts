/** Programs that begin at once print what they print when they are compiled first, and end alike. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { type RunOptions, run } from '../../src/api/index.js';
import { smallPrograms } from '../migrate/small-programs.js';
import { sample, seed } from '../support/sampling.js';
import { canRun, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const files = join(folder, 'files');
mkdirSync(files);
const programs = smallPrograms.filter(({ linked }) => linked === undefined);

interface Ending {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

async function ending({ source, args }: (typeof programs)[number], options: RunOptions): Promise<Ending> {
  const dirs = [{ host: files, guest: '/' }];
  const { stdin, stdout, stderr, exited } = await run(source, { ...options, args, dirs, programName: 'program' });
  stdin!.end();
  const [out, err, { code }] = await Promise.all([text(stdout!), text(stderr!), exited]);
  return { stdout: out, stderr: err, code };
}

describe.each([
  ['x64', sample(programs, 8, () => '')],
  ['arm64', sample(programs, 4, () => '')],
] as const)('%s', (arch, some) => {
  test.skipIf(!canRun(arch)).each(some)(`$name (seed ${seed})`, async (program) => {
    vi.stubEnv('XDG_CACHE_HOME', join(folder, `${arch}-${program.name}`));
    const atOnce = await ending(program, { arch, beginAtOnce: true });
    expect(atOnce).toEqual(await ending(program, { arch }));
    expect(atOnce.code).not.toBeNull();
  });
});
