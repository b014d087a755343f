/** `wag-snap receive`: takes workloads that `wag-snap migrate` sends. */

import { once as onceEvent } from 'node:events';
import { fstatSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import type { NamedDirectory, PeerGrants } from '../../src/api/receive-options.js';
import { ExitCode, ToolError } from '../../src/base/errors.js';
import { keyOptions } from '../options/keys.js';
import { parseSize } from '../options/limits.js';
import { once, several, UsageError } from '../options/usage.js';
import { Interruption } from '../programs/interruption.js';
import { ReceiverSignals } from '../programs/receiver-signals.js';
import { ReceiverLog } from '../show/receiver-log.js';

interface Options {
  stdio: boolean;
  listen: string | undefined;
  keys: string | undefined;
  peer: string | string[] | undefined;
  maxMemory: string | undefined;
  maxWorkloads: string | undefined;
  dir: string | string[] | undefined;
  accept: string | string[] | undefined;
  outputDir: string | undefined;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'receive',
  describe: 'Take workloads that migrate sends',
  builder: (yargs) =>
    yargs
      .option('stdio', {
        type: 'boolean',
        default: false,
        describe: 'one from standard input, answering on standard output: what migrate starts on the other host',
      })
      .option('listen', {
        type: 'string',
        requiresArg: true,
        coerce: once('listen'),
        describe: 'HOST:PORT: any number over the network, by TLS, from hosts whose keys are known',
      })
      .options(keyOptions)
      .option('max-memory', {
        type: 'string',
        requiresArg: true,
        coerce: once('max-memory'),
        describe: 'SIZE[K|M|G]: limit of the memories of each workload',
      })
      .option('max-workloads', {
        type: 'string',
        requiresArg: true,
        coerce: once('max-workloads'),
        describe: 'with --listen: the most workloads at the same time',
      })
      .option('dir', {
        type: 'string',
        requiresArg: true,
        describe: 'PATH::NAME[:ro|:rw]: a directory, and the name that migrate uses for it (may be repeated)',
      })
      .option('accept', {
        type: 'string',
        requiresArg: true,
        describe: 'HOST:PORT, HOST:* or unix:PATH: where programs may accept connections (may be repeated)',
      })
      .option('output-dir', {
        type: 'string',
        requiresArg: true,
        coerce: once('output-dir'),
        describe:
          'the folder for the output of programs, unless migrate names one; default: ~/.local/state/wag-snap/output',
      })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'with --listen: print the log as JSON, an object a line',
      })
      .example([
        ['$0 receive --stdio', 'what wag-snap migrate starts on the other host, by ssh'],
        ['$0 receive --stdio --max-memory 1G', 'the same, for programs with less memory only'],
        [
          '$0 receive --listen 0.0.0.0:4800 --dir /srv/data::data',
          'for wag-snap migrate job tls://HERE:4800 --dir data::/data',
        ],
      ]) as never,
  handler: async (options) => {
    if (options.stdio === (options.listen !== undefined)) {
      throw new UsageError('receive needs --stdio (from standard input) or --listen HOST:PORT (over the network)');
    }
    await (options.listen === undefined ? fromStandardInput(options) : fromNetwork(options.listen, options));
  },
};
export default command;

async function fromStandardInput(options: Options): Promise<void> {
  if (options.json) throw new UsageError('--json needs --listen: --stdio prints no log');
  for (const name of ['maxWorkloads', 'keys', 'peer'] as const) {
    if (options[name] === undefined) continue;
    throw new UsageError(`--${name === 'maxWorkloads' ? 'max-workloads' : name} needs --listen: --stdio takes one`);
  }
  const { receive, receiveFromPipe } = await import('../../src/api/receive.js');
  const grants = options.dir === undefined && options.accept === undefined ? undefined : parseGrants(options);
  const { maxMemory, outputDir } = parseCommon(options);
  const signals = new ReceiverSignals();
  const { signal, onEvent } = signals;
  const receiving = { maxMemory, outputDir, grants, signal, onEvent };
  const received = isPipe(STDIN)
    ? receiveFromPipe(STDIN, process.stdout, receiving)
    : receive(process.stdin, process.stdout, receiving).finally(() => process.stdin.destroy());
  const { pid, lost } = await received.finally(() => signals.stop());
  if (pid === undefined) process.exitCode = ExitCode.failed; // the source reports the reason, or has given it up
  if (lost !== undefined && !signal.aborted) throw new ToolError('link', `nothing was started: ${lost}`);
}

const STDIN = 0;

/** A socket counts, too. */
function isPipe(descriptor: number): boolean {
  const stat = fstatSync(descriptor);
  return stat.isFIFO() || stat.isSocket();
}

/** Listens until it is told to end. Programs that run by then continue. */
async function fromNetwork(listen: string, options: Options): Promise<void> {
  const { listenForMoves } = await import('../../src/api/receiver-listener.js');
  const maxWorkloads = options.maxWorkloads === undefined ? undefined : parseCount(options.maxWorkloads);
  const interruption = new Interruption('');
  const log = new ReceiverLog(options.json);
  try {
    const host = await listenForMoves(listen, {
      ...parseCommon(options),
      grants: parseGrants(options),
      keys: options.keys,
      peers: several(options.peer),
      maxWorkloads,
      onEvent: (event) => log.print(event),
    });
    log.print({ event: 'listening', address: host.address, fingerprint: host.fingerprint });
    const { abortSignal } = interruption;
    if (!abortSignal.aborted) await onceEvent(abortSignal, 'abort');
    await host.close();
    log.print({ event: 'closed', by: String(abortSignal.reason) });
  } finally {
    interruption.stop();
  }
}

function parseCommon({ maxMemory, outputDir }: Options) {
  return { maxMemory: maxMemory === undefined ? undefined : parseSize('max-memory', maxMemory), outputDir };
}

function parseGrants({ dir, accept }: Options): PeerGrants {
  return { dirs: several(dir).map(parseNamedDir), listen: several(accept) };
}

function parseNamedDir(text: string): NamedDirectory {
  const [, host, name, mode] = /^(.+?)::([^/:]+)(?::(ro|rw))?$/s.exec(text) ?? [];
  if (host === undefined)
    throw new UsageError(`--dir ${text}: expected PATH::NAME, and :ro if it is not to be written`);
  return { host, name, readOnly: mode === 'ro' };
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`--max-workloads ${text}: expected a number from 1 on`);
}
