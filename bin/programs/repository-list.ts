/** Prints the snapshots of repositories, as those of a store are printed. */

import { listRemote, type RemoteGeneration } from '../../src/api/remote-list.js';
import { terminalJson } from '../../src/base/terminal-text.js';
import type { RegistryOptions } from '../options/registry.js';
import { generationJson, generationTable } from '../show/generations.js';
import { Interruption } from './interruption.js';

export async function listRepository(
  repositories: readonly string[],
  { json, plainHttp, ca }: RegistryOptions & { readonly json: boolean },
): Promise<void> {
  const interruption = new Interruption('nothing was listed');
  try {
    const all: RemoteGeneration[] = [];
    for (const one of repositories) {
      all.push(...(await listRemote(one, { plainHttp, ca, signal: interruption.abortSignal })));
    }
    const rows = all.map((one) => ({ ...generationJson(one), manifest: one.digest }));
    process.stdout.write(json ? `${terminalJson(rows)}\n` : generationTable(all));
  } finally {
    interruption.stop();
  }
}
