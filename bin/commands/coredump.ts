/** `wag-snap coredump`: writes a WebAssembly coredump of a snapshot or a process, for debuggers. */

import type { CommandModule } from 'yargs';
import { coredumpOfProcess, coredumpOfSnapshot } from '../../src/api/coredump.js';
import { attachIfRuns } from '../../src/api/find-process.js';
import { keyFiles } from '../../src/api/key-files.js';
import { openDestination, refuseInput } from '../../src/base/output.js';
import { type ChainOptions, chainOptions, chainPlaces } from '../options/chain.js';
import { trust } from '../options/trust.js';
import { once } from '../options/usage.js';
import { expectKind } from '../programs/expect-kind.js';
import { inputIdentity, moduleName, OR_PROCESS, withSnapshot } from '../programs/input-file.js';
import { Interruption } from '../programs/interruption.js';
import { Progress } from '../show/progress.js';
import { printResult } from '../show/result.js';
import { printWarning } from '../show/warning.js';

interface Options extends ChainOptions {
  subject: string;
  output: string | undefined;
}

const command: CommandModule<object, Options> = {
  command: 'coredump <subject>',
  describe: 'Write a WebAssembly coredump of a snapshot or a process',
  builder: (yargs) =>
    yargs
      .positional('subject', {
        type: 'string',
        demandOption: true,
        describe: 'a .wsnap file, NAME:TAG of a store, or the pid or name of a process, running or parked at a trap',
      })
      .option('output', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        coerce: once('output'),
        describe: 'file to write; default: NAME.coredump',
      })
      .options(chainOptions)
      .example([
        ['$0 coredump job.wsnap', 'writes job.coredump'],
        ['$0 coredump 4711 -o core.wasm', 'of a process, which continues'],
      ]) as never,
  handler: async (options) => {
    const { subject, output } = options;
    const file = output ?? `${moduleName(subject).replace(/\.wsnap$/, '')}.coredump`;
    const process = options.store === undefined ? await attachIfRuns(subject) : undefined;
    if (process !== undefined) {
      const interruption = new Interruption('nothing was written');
      const progress = new Progress('capturing');
      try {
        const destination = openDestination(file, [`/proc/${process.pid}/exe`]);
        await coredumpOfProcess(process, destination, {
          signal: interruption.abortSignal,
          onWarning: printWarning,
          onProgress: (done, total) => progress.update(done, total),
        });
      } finally {
        interruption.stop();
        progress.end();
        process.close();
      }
    } else {
      const destination = openDestination(file, [inputIdentity(subject), ...keyFiles(trust(options))]);
      await withSnapshot(
        subject,
        options.store,
        async (input) => {
          expectKind(input, 'coredump', ['snapshot']);
          const { filesOf, openSnapshot } = await import('../../src/api/stored-snapshot.js');
          const stored = await openSnapshot(input.path, await chainPlaces(options, input));
          refuseInput(file, filesOf(stored));
          await coredumpOfSnapshot(stored, destination);
        },
        options.store === undefined ? OR_PROCESS : undefined,
      );
    }
    printResult(file, file);
  },
};
export default command;
