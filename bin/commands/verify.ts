/** `wag-snap verify`: checks that a snapshot's files are what was captured. */

import type { CommandModule } from 'yargs';
import { openSnapshot } from '../../src/api/stored-snapshot.js';
import { verifyOpened } from '../../src/api/verify.js';
import { terminalJson, terminalLines } from '../../src/base/terminal-text.js';
import { type ChainOptions, chainOptions, chainPlaces } from '../options/chain.js';
import { expectKind } from '../programs/expect-kind.js';
import { withSnapshot } from '../programs/input-file.js';
import { Interruption } from '../programs/interruption.js';
import { Progress } from '../show/progress.js';

interface Options extends ChainOptions {
  snapshot: string;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'verify <snapshot>',
  describe: 'Check all bytes of a snapshot and of its parents',
  builder: (yargs) =>
    yargs
      .positional('snapshot', { type: 'string', demandOption: true, describe: 'a .wsnap file, or NAME:TAG of a store' })
      .options(chainOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 verify job.wsnap', 'a line for each file; exit code 3 when one is damaged or missing'],
        ['$0 verify job.wsnap --search old', 'finds the files that it needs in old, too'],
      ]) as never,
  handler: async (options) => {
    const interruption = new Interruption('not all was checked');
    const progress = new Progress('verifying');
    try {
      await withSnapshot(options.snapshot, options.store, async (input) => {
        expectKind(input, 'verify', ['snapshot']);
        const stored = await openSnapshot(input.path, await chainPlaces(options, input));
        const [own, ...others] = await verifyOpened(stored, {
          signal: interruption.abortSignal,
          onProgress: (done, total) => progress.update(done, total),
        });
        progress.end();
        const files = [{ ...own, path: input.name }, ...others];
        const lines = files.map(({ path, digest, hasDigests }) => {
          const pages = hasDigests
            ? 'whole'
            : 'whole, but for its pages: an earlier wag-snap has written no digests of them';
          return `${path}: ${pages} (digest ${digest.slice(0, 16)}…)`;
        });
        process.stdout.write(options.json ? `${terminalJson({ files })}\n` : terminalLines(lines));
      });
    } finally {
      interruption.stop();
      progress.end();
    }
  },
};
export default command;
