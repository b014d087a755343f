/** `wag-snap push`: sends a snapshot of a store to a registry. */

import type { CommandModule } from 'yargs';
import { push } from '../../src/api/push.js';
import { terminalJson, terminalLines } from '../../src/base/terminal-text.js';
import { type RegistryOptions, registryOptions } from '../options/registry.js';
import { type StoreOptions, storeOptions } from '../options/store.js';
import { Interruption } from '../programs/interruption.js';
import { Progress } from '../show/progress.js';

interface Options extends StoreOptions, RegistryOptions {
  snapshot: string;
  registry: string;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'push <snapshot> <registry>',
  describe: 'Send a snapshot of a store to a registry',
  builder: (yargs) =>
    yargs
      .positional('snapshot', {
        type: 'string',
        demandOption: true,
        describe: 'NAME:TAG of a store, or NAME for the newest one',
      })
      .positional('registry', {
        type: 'string',
        demandOption: true,
        describe: 'oci://HOST[:PORT]/REPOSITORY[:TAG]; without TAG it keeps its own',
      })
      .options(storeOptions)
      .options(registryOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 push job oci://registry.example/team/job', 'sends the newest snapshot called job'],
        ['$0 push job:3 oci://localhost:5000/job:before', 'gives it another tag there'],
      ]) as never,
  handler: async ({ snapshot, registry, store, plainHttp, ca, json }) => {
    const interruption = new Interruption('the registry has no new tag');
    const progress = new Progress('sending');
    try {
      const pushed = await push(snapshot, registry, {
        store,
        plainHttp,
        ca,
        signal: interruption.abortSignal,
        onProgress: (done, total) => progress.update(done, total),
      });
      progress.end();
      process.stdout.write(json ? `${terminalJson(pushed)}\n` : terminalLines([pushed.reference]));
    } finally {
      interruption.stop();
      progress.end();
    }
  },
};
export default command;
