/** What a node grants to its jobs, by names: directories, and addresses at which they accept connections. */

import { InputError, UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { JobSpec } from '../lattice/records.js';
import { checkFolder } from './granted-folder.js';
import { parseListen } from './listen.js';
import { checkDirectory, type Directory } from './process-options.js';
import type { NamedDirectory } from './receive-options.js';

export interface NamedAddress {
  readonly name: string;
  /** `HOST:PORT` or `[IPv6]:PORT`. */
  readonly address: string;
}

export class NodeGrants {
  constructor(
    readonly dirs: readonly NamedDirectory[] = [],
    /** Addresses as numbers, by name. */
    readonly listen: Readonly<Record<string, string>> = {},
  ) {}

  /** Looks up host names. @throws UsageError, InputError 'no-folder', ToolError 'lookup' */
  static async make(dirs: readonly NamedDirectory[], addresses: readonly NamedAddress[]): Promise<NodeGrants> {
    for (const { host, name: guest } of dirs) {
      checkFolder(`${guest}=${host}`, checkDirectory({ host, guest, readOnly: false }).host);
    }
    const listen = new Map<string, string>();
    for (const { name, address } of addresses) {
      const text = `--listen ${name}=${address}`;
      if (address.startsWith('unix:') || /:0+$/.test(address)) {
        throw new UsageError(`${quoted(text)}: expected NAME=HOST:PORT, where others find it`);
      }
      const found = await parseListen(address);
      if (listen.has(name)) throw new UsageError(`${quoted(text)}: there is another address of this name`);
      if ([...listen.values()].includes(found)) throw new UsageError(`${quoted(text)}: it has another name already`);
      listen.set(name, found);
    }
    return new NodeGrants(dirs, Object.fromEntries(listen));
  }

  /** @throws InputError 'not-granted' */
  directoriesOf(spec: JobSpec): Directory[] {
    return spec.dirs.map(({ name, guest }) => {
      const given = this.dirs.find((one) => one.name === name);
      if (given === undefined) throw new InputError('not-granted', `this node grants no directory ${quoted(name)}`);
      return { host: given.host, guest, readOnly: given.readOnly ?? false };
    });
  }

  /** @throws InputError 'not-granted' */
  addressesOf(spec: JobSpec): string[] {
    return spec.listen.map((name) => {
      if (Object.hasOwn(this.listen, name)) return this.listen[name]!;
      throw new InputError('not-granted', `this node grants no address ${quoted(name)}`);
    });
  }
}
