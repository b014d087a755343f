/** `wag-snap pull`: fetches a snapshot from a registry into a store. */

import type { CommandModule } from 'yargs';
import { pull } from '../../src/api/pull.js';
import { terminalJson, terminalLines } from '../../src/base/terminal-text.js';
import { type RegistryOptions, registryOptions } from '../options/registry.js';
import { type StoreOptions, storeOptions } from '../options/store.js';
import { type TrustOptions, trust, trustOptions } from '../options/trust.js';
import { Interruption } from '../programs/interruption.js';
import { Progress } from '../show/progress.js';

interface Options extends StoreOptions, RegistryOptions, TrustOptions {
  registry: string;
  snapshot: string | undefined;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'pull <registry> [snapshot]',
  describe: 'Fetch a snapshot from a registry into a store',
  builder: (yargs) =>
    yargs
      .positional('registry', {
        type: 'string',
        demandOption: true,
        describe: 'oci://HOST[:PORT]/REPOSITORY[:TAG], or @sha256:HEX in place of :TAG; without both the newest one',
      })
      .positional('snapshot', {
        type: 'string',
        describe: "NAME or NAME:TAG in the store; default: the repository's last part, and the registry's tag",
      })
      .options(storeOptions)
      .options(registryOptions)
      .options(trustOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 pull oci://registry.example/team/job', 'fetches the newest one; wag-snap restore job continues with it'],
        ['$0 pull oci://localhost:5000/job:before old', 'is called old:before in the store'],
      ]) as never,
  handler: async (options) => {
    const { registry, snapshot, store, plainHttp, ca, json } = options;
    const interruption = new Interruption('the store is as before');
    const progress = new Progress('fetching');
    try {
      const { generation, digest, received, present } = await pull(registry, snapshot, {
        store,
        plainHttp,
        ca,
        ...trust(options),
        signal: interruption.abortSignal,
        onProgress: (done, total) => progress.update(done, total),
      });
      progress.end();
      const { name, tag } = generation;
      const result = { name, tag, digest, received, present };
      process.stdout.write(json ? `${terminalJson(result)}\n` : terminalLines([`${name}:${tag}`]));
    } finally {
      interruption.stop();
      progress.end();
    }
  },
};
export default command;
