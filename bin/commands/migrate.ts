/** `wag-snap migrate`: moves a running workload to another host. */

import type { CommandModule } from 'yargs';
import { attachGiven } from '../../src/api/find-process.js';
import type { MoveEvent } from '../../src/api/migrate.js';
import type { Directory } from '../../src/api/process-options.js';
import { terminalJson, terminalText } from '../../src/base/terminal-text.js';
import { parseFds } from '../options/fd-option.js';
import { keyOptions } from '../options/keys.js';
import { DURATION, parseDuration, parseSize } from '../options/limits.js';
import { type NameOptions, nameOptions, parseName } from '../options/name.js';
import { once, parseArch, parseDir, several, UsageError } from '../options/usage.js';
import { Interruption } from '../programs/interruption.js';
import { Progress } from '../show/progress.js';
import { printWarning } from '../show/warning.js';

interface Options extends NameOptions {
  process: string;
  destination: string;
  arch: string | undefined;
  dir: string | string[] | undefined;
  sameDirs: boolean;
  fd: string | string[] | undefined;
  listen: string | string[] | undefined;
  strictFiles: boolean;
  maxMemory: string | undefined;
  outputDir: string | undefined;
  remote: string;
  keys: string | undefined;
  peer: string | string[] | undefined;
  dryRun: boolean;
  keep: boolean;
  downtime: string | undefined;
  timeout: string | undefined;
  verbose: boolean;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'migrate <process> <destination>',
  describe: 'Move a running workload to another host',
  builder: (yargs) =>
    yargs
      .positional('process', { type: 'string', demandOption: true, describe: 'the pid or name of a process' })
      .positional('destination', {
        type: 'string',
        demandOption: true,
        describe:
          'ssh://[USER@]HOST[:PORT], HOST alone, tls://HOST:PORT, or exec:COMMAND, a command that leads to wag-snap receive',
      })
      .option('arch', {
        type: 'string',
        requiresArg: true,
        coerce: once('arch'),
        describe: 'CPU to continue on: x64 or arm64; default: that of the other host',
      })
      .option('dir', {
        type: 'string',
        requiresArg: true,
        describe:
          'HOST::GUEST[:ro|:rw]: where a directory that the program uses is there, or its name (may be repeated)',
      })
      .option('same-dirs', {
        type: 'boolean',
        default: false,
        describe: 'directories without --dir and addresses without --listen are the same there as here',
      })
      .option('fd', {
        type: 'string',
        requiresArg: true,
        describe: 'N=ignore|close|fail|PATH|reopen: what happens to descriptor N: see restore (may be repeated)',
      })
      .option('listen', {
        type: 'string',
        requiresArg: true,
        describe: 'HOST:PORT or unix:PATH: where it accepts connections there (may be repeated)',
      })
      .option('strict-files', {
        type: 'boolean',
        default: false,
        describe: 'files that differ there are errors, not warnings',
      })
      .option('max-memory', {
        type: 'string',
        requiresArg: true,
        coerce: once('max-memory'),
        describe: 'SIZE[K|M|G]: limit of its memories there',
      })
      .option('output-dir', {
        type: 'string',
        requiresArg: true,
        coerce: once('output-dir'),
        describe: 'the folder there for its output; default: ~/.local/state/wag-snap/output',
      })
      .option('remote', {
        type: 'string',
        requiresArg: true,
        coerce: once('remote'),
        default: 'wag-snap',
        describe: 'with ssh: the name of wag-snap on the other host',
      })
      .options(keyOptions)
      .options(nameOptions)
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'only check whether everything that it needs is there',
      })
      .option('keep', {
        type: 'boolean',
        default: false,
        describe: 'make a copy: the program also continues here',
      })
      .option('downtime', {
        type: 'string',
        requiresArg: true,
        coerce: once('downtime'),
        describe: `${DURATION}: it is stopped once the rest can be sent in this time; default: 20ms`,
      })
      .option('timeout', {
        type: 'string',
        requiresArg: true,
        coerce: once('timeout'),
        describe: `${DURATION}: the longest silence of the other side; default: 30s`,
      })
      .option('verbose', { alias: 'v', type: 'boolean', default: false, describe: 'print what happens on the way' })
      .option('json', { type: 'boolean', default: false, describe: 'print what happens, one JSON object a line' })
      .example([
        ['$0 migrate 4711 ssh://me@other', 'ends here, continues there'],
        ['$0 migrate job other --dir /srv/data::/data', 'with /srv/data there where it has /data'],
        [
          '$0 migrate job tls://other:4800 --dir data::/data',
          'to a receive --listen there that calls a directory data',
        ],
        ['$0 migrate job "exec:wag-snap receive --stdio" --arch arm64', 'stays on this host, on another CPU'],
      ]) as never,
  handler: async (options) => {
    const { migrateAttached, parseDestination } = await import('../../src/api/migrate.js');
    const to = parseDestination(options.destination, {
      remote: options.remote,
      keys: options.keys,
      peers: several(options.peer),
    });
    const workload = await attachGiven(options.process);
    const interruption = new Interruption('it continues here');
    const progress = new Progress('sending');
    const onEvent = (event: MoveEvent) => {
      if (event.event === 'sent') progress.update(event.bytes, event.of);
      else if (options.json) console.log(terminalJson(event));
      else if (options.verbose) process.stderr.write(`${describe(event)}\n`);
      if (event.event === 'ready' && !options.json) for (const warning of event.warnings) printWarning(warning);
    };
    try {
      const name = parseName(options);
      const moved = await migrateAttached(workload, to, {
        arch: options.arch === undefined ? undefined : parseArch(options.arch),
        dirs: several(options.dir).map(parseRemoteDir),
        sameDirs: options.sameDirs,
        fds: Object.fromEntries(parseFds(several(options.fd))),
        listen: several(options.listen),
        strictFiles: options.strictFiles,
        ...(name === undefined ? {} : { name }),
        maxMemory: options.maxMemory === undefined ? undefined : parseSize('max-memory', options.maxMemory),
        outputDir: options.outputDir,
        dryRun: options.dryRun,
        copy: options.keep,
        downtime: options.downtime === undefined ? undefined : parseDuration('downtime', options.downtime),
        patience: options.timeout === undefined ? undefined : parseDuration('timeout', options.timeout),
        signal: interruption.abortSignal,
        onWarning: printWarning,
        onEvent,
      });
      progress.end();
      const { host, pid, output, bytes, downtime } = moved;
      if (options.json) console.log(terminalJson({ event: 'moved', ...moved, pid: pid ?? null }));
      else if (pid === undefined) console.log(terminalText(`${host} can take it`));
      else {
        const milliseconds = (downtime / 1000).toFixed(1);
        console.log(terminalText(`pid ${pid} on ${host}, which prints to ${output}`));
        if (options.verbose) process.stderr.write(`stood still for ${milliseconds} ms, ${bytes} bytes were sent\n`);
      }
    } finally {
      progress.end();
      interruption.stop();
      workload.close();
    }
  },
};
export default command;

/** A path on the other host, or its receiver's name for a directory: it is not looked up here. */
function parseRemoteDir(text: string): Directory {
  if (text.startsWith('/')) return parseDir(text.includes('::') ? text : `${text}::${text}`);
  const [, name] = /^([^/:]+)::/.exec(text) ?? [];
  if (name !== undefined) return { ...parseDir(text), host: name };
  throw new UsageError(`--dir ${text}: expected an absolute path of the other host, or NAME::GUEST`);
}

function describe(event: Exclude<MoveEvent, { event: 'sent' }>): string {
  switch (event.event) {
    case 'ready':
      return terminalText(`${event.host} has all that it needs, and runs it as ${event.arch}`);
    case 'compiled':
      return event.cached ? 'the image is there' : 'the image was compiled there';
    case 'round':
      return `${event.bytes} bytes were sent while it runs`;
    case 'stopped':
      return 'it stands still';
    case 'prepared':
      return `pid ${event.pid} is ready to begin`;
  }
}
