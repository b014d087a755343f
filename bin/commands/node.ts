/** `wag-snap node`: makes this machine a node of the lattice. */

import type { CommandModule } from 'yargs';
import type { NamedAddress } from '../../src/api/node-grants.js';
import type { NamedDirectory } from '../../src/api/receive-options.js';
import { type FormOptions, form, formOptions } from '../options/form.js';
import { type LatticeOptions, latticeOptions, parseEmbedded, parsePairs, parseServer } from '../options/lattice.js';
import { DURATION, parseDuration, parseSize } from '../options/limits.js';
import { type TrustOptions, trust, trustOptions } from '../options/trust.js';
import { once, parseArch, several, UsageError } from '../options/usage.js';
import { serveNode } from '../programs/node.js';

interface Options extends LatticeOptions, FormOptions, TrustOptions {
  name: string | undefined;
  label: string | string[] | undefined;
  cpus: string | undefined;
  memory: string | undefined;
  dir: string | string[] | undefined;
  listen: string | string[] | undefined;
  store: string | undefined;
  lease: string | undefined;
  arch: string | undefined;
  moves: string | undefined;
  metrics: string | undefined;
  drainOn: string | undefined;
  embedded: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'node',
  describe: 'Make this machine a node of the lattice, which takes jobs',
  builder: (yargs) =>
    yargs
      .options(latticeOptions)
      .option('embedded', {
        type: 'boolean',
        default: false,
        describe:
          'start a nats-server for this machine only, at 127.0.0.1:4222 or at the port of --nats; it ends with the node',
      })
      .option('name', {
        type: 'string',
        requiresArg: true,
        coerce: once('name'),
        describe: "the node's name; default: the host's",
      })
      .option('label', {
        type: 'string',
        requiresArg: true,
        describe: 'K=V: a label that jobs can ask for (may be repeated)',
      })
      .option('arch', {
        type: 'string',
        requiresArg: true,
        coerce: once('arch'),
        describe:
          'x64, arm64 or both, separated by a comma: the CPUs that it runs programs for, the first one for jobs that do not say; default: this one, and the other with qemu-user',
      })
      .option('cpus', {
        type: 'string',
        requiresArg: true,
        coerce: once('cpus'),
        describe: 'N: jobs go to the node with the fewest of them for each CPU; default: those of this machine',
      })
      .option('memory', {
        type: 'string',
        requiresArg: true,
        coerce: once('memory'),
        describe: "SIZE[K|M|G]: for the memories of all jobs; default: this machine's",
      })
      .option('dir', {
        type: 'string',
        requiresArg: true,
        describe:
          'NAME=PATH[:ro]: a directory that jobs can be given, and the name that they ask for (may be repeated)',
      })
      .option('listen', {
        type: 'string',
        requiresArg: true,
        describe:
          'NAME=HOST:PORT: an address at which one job at a time may accept connections, and the name that it asks for (may be repeated)',
      })
      .option('store', {
        type: 'string',
        requiresArg: true,
        coerce: once('store'),
        describe:
          'DIR: a folder that every node reaches, for snapshots: a store for each job, DIR/JOB; without it none are taken',
      })
      .option('moves', {
        type: 'string',
        requiresArg: true,
        coerce: once('moves'),
        describe:
          'ADDRESS:PORT: where other nodes send programs to while they run, or none; default: any port of the address by which NATS is reached',
      })
      .options(formOptions)
      .options(trustOptions)
      .option('lease', {
        type: 'string',
        requiresArg: true,
        coerce: once('lease'),
        describe: `${DURATION}: a node that is not heard of for this long is lost; default: 10s`,
      })
      .option('metrics', {
        type: 'string',
        requiresArg: true,
        coerce: once('metrics'),
        describe: 'ADDRESS:PORT: where /metrics (Prometheus) and /healthz are served by HTTP',
      })
      .option('drain-on', {
        choices: ['SIGTERM', 'SIGINT', 'SIGHUP'],
        requiresArg: true,
        coerce: once('drain-on') as never,
        describe: 'a signal after which its jobs go to other nodes before it ends',
      })
      .example([
        ['$0 node --nats nats://10.0.0.1:4222 --store /mnt/shared/jobs', 'prints a JSON object for each event'],
        ['$0 node --name b --label zone=b --dir data=/srv/data:ro --drain-on SIGTERM', 'with WAGSNAP_NATS'],
      ]) as never,
  handler: async (options) => {
    const { name, memory, lease, store, moves } = options;
    await serveNode(
      {
        ...(options.embedded ? parseEmbedded(options) : parseServer(options)),
        ...form(options),
        ...trust(options),
        name,
        store,
        moves,
        arch: options.arch?.split(',').map((one) => parseArch(one)),
        labels: parsePairs('label', options.label),
        cpus: options.cpus === undefined ? undefined : parseCpus(options.cpus),
        memory: memory === undefined ? undefined : parseSize('memory', memory),
        lease: lease === undefined ? undefined : parseDuration('lease', lease),
        dirs: several(options.dir).map(parseGrant),
        listen: several(options.listen).map(parseAddress),
      },
      options,
    );
  },
};
export default command;

function parseCpus(text: string): number {
  if (/^\d{1,4}(\.\d{1,2})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`--cpus ${text}: expected a number`);
}

function parseGrant(text: string): NamedDirectory {
  const [, name, host, mode] = /^([^=/:]+)=(.+?)(?::(ro|rw))?$/s.exec(text) ?? [];
  if (name === undefined || host === undefined)
    throw new UsageError(`--dir ${text}: expected NAME=PATH, or NAME=PATH:ro`);
  return { host, name, readOnly: mode === 'ro' };
}

function parseAddress(text: string): NamedAddress {
  const [, name, address] = /^([^=/:]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || address === undefined) throw new UsageError(`--listen ${text}: expected NAME=HOST:PORT`);
  return { name, address };
}
