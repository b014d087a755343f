/** `wag-snap compact`: writes a snapshot and all that it needs of others as one file. */

import type { CommandModule } from 'yargs';
import { compactOpened } from '../../src/api/compact.js';
import { keyFiles } from '../../src/api/key-files.js';
import { readForm } from '../../src/api/seal-options.js';
import { filesOf, openSnapshot } from '../../src/api/stored-snapshot.js';
import { openDestination, refuseInput } from '../../src/base/output.js';
import { type ChainOptions, chainOptions, chainPlaces } from '../options/chain.js';
import { type FormOptions, form, formOptions } from '../options/form.js';
import { trust } from '../options/trust.js';
import { once } from '../options/usage.js';
import { expectKind } from '../programs/expect-kind.js';
import { inputIdentity, withSnapshot } from '../programs/input-file.js';
import { Interruption } from '../programs/interruption.js';
import { Progress } from '../show/progress.js';
import { printResult } from '../show/result.js';

interface Options extends ChainOptions, FormOptions {
  snapshot: string;
  output: string;
}

const command: CommandModule<object, Options> = {
  command: 'compact <snapshot>',
  describe: 'Write a snapshot that is a difference to others as one file',
  builder: (yargs) =>
    yargs
      .positional('snapshot', { type: 'string', demandOption: true, describe: 'a .wsnap file, or NAME:TAG of a store' })
      .option('output', {
        alias: 'o',
        type: 'string',
        demandOption: true,
        requiresArg: true,
        coerce: once('output'),
        describe: 'file to write',
      })
      .options(chainOptions)
      .options(formOptions)
      .example([
        ['$0 compact job.wsnap -o whole.wsnap', 'whole.wsnap needs no other file'],
        ['$0 compact job.wsnap --search old -o whole.wsnap', 'finds the files that job.wsnap needs in old, too'],
      ]) as never,
  handler: async (options) => {
    const { output } = options;
    const keys = keyFiles({ ...form(options), ...trust(options) });
    const how = await readForm(form(options));
    const interruption = new Interruption('nothing was written');
    const progress = new Progress('writing');
    try {
      const destination = openDestination(output, [inputIdentity(options.snapshot), ...keys]);
      await withSnapshot(options.snapshot, options.store, async (input) => {
        expectKind(input, 'compact', ['snapshot']);
        const stored = await openSnapshot(input.path, await chainPlaces(options, input));
        refuseInput(output, filesOf(stored));
        await compactOpened(stored, destination, {
          form: how,
          signal: interruption.abortSignal,
          onProgress: (done, total) => progress.update(done, total),
        });
      });
    } finally {
      interruption.stop();
      progress.end();
    }
    printResult(output, output);
  },
};
export default command;
