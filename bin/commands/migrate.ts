/** `wag-snap migrate`: moves a running workload to another host. */

import { existsSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import { attachGiven } from '../../src/api/find-process.js';
import type { MigrateOptions } from '../../src/api/migrate-options.js';
import type { Directory } from '../../src/api/process-options.js';
import type { ImageProcess } from '../../src/capture/process.js';
import { parseFds } from '../options/fd-option.js';
import { keyOptions } from '../options/keys.js';
import { DURATION, parseDuration, parseSize } from '../options/limits.js';
import { type NameOptions, nameOptions, parseName } from '../options/name.js';
import { once, parseArch, parseDir, several, UsageError } from '../options/usage.js';
import { followProgram, ProgramPipes } from '../programs/attached.js';
import { isInForeground } from '../programs/foreground.js';
import { Interruption } from '../programs/interruption.js';
import { MoveReport } from '../show/move-report.js';
import { printWarning } from '../show/warning.js';

const PID = /^\d{1,9}$/;

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
  maxTime: string | undefined;
  onTimeout: 'stop' | 'lazy' | 'cancel' | undefined;
  lazy: boolean;
  limitRate: string | undefined;
  compress: boolean;
  hashFiles: boolean;
  attach: boolean;
  noAttach: boolean;
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
        describe: `${DURATION}: it is stopped once it would stand still for no longer than this; default: 100ms`,
      })
      .option('attach', {
        type: 'boolean',
        default: false,
        describe:
          'keep its streams here: until it ends there, with its exit code, or Ctrl-C detaches it; default: with ssh, in the foreground of a terminal',
      })
      .option('no-attach', {
        type: 'boolean',
        default: false,
        describe: 'do not keep its streams here: end as soon as it runs there',
      })
      .option('max-time', {
        type: 'string',
        requiresArg: true,
        coerce: once('max-time'),
        describe: `${DURATION}: for how long it is sent again and again until that fits into --downtime`,
      })
      .option('on-timeout', {
        type: 'string',
        requiresArg: true,
        choices: ['stop', 'lazy', 'cancel'] as const,
        coerce: once('on-timeout') as never,
        describe:
          'after --max-time: stop it all the same, if not given; lazy: send what is left while it runs there; or cancel: it continues here',
      })
      .option('lazy', {
        type: 'boolean',
        default: false,
        describe: 'it continues there at once, and its memory follows: this host has to stay until all of it is there',
      })
      .option('limit-rate', {
        type: 'string',
        requiresArg: true,
        coerce: once('limit-rate'),
        describe: 'SIZE[K|M|G]: how much may be sent in a second',
      })
      .option('compress', {
        type: 'boolean',
        default: false,
        describe: 'compress what is sent: for links that are slower than about 50 MB/s',
      })
      .option('hash-files', {
        type: 'boolean',
        default: false,
        describe: 'compare the contents of its open files, too; it stands still while they are read',
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
  handler: async (given) => {
    const options = { ...given, attach: isAttached(given) };
    const report = new MoveReport(options);
    try {
      await moveWorkload(options, report);
    } catch (error) {
      report.failed(error);
      throw error;
    } finally {
      report.end();
    }
  },
};
export default command;

/** Whether its streams stay here. Whoever works at a terminal goes on with the program there. */
function isAttached({ attach, noAttach, destination, lazy, onTimeout, keep, dryRun, json }: Options): boolean {
  if (attach && noAttach) throw new UsageError('--attach with --no-attach: give one of them');
  if (dryRun || noAttach) return false;
  const isSsh = !/^(?:tls|exec):/.test(destination);
  const isUsual = isSsh && !lazy && onTimeout !== 'lazy' && !keep && !json;
  return attach || (isUsual && isInForeground());
}

async function moveWorkload(options: Options, report: MoveReport): Promise<void> {
  const [{ EarlyLink, parseDestination }, { checkOptions }] = await Promise.all([
    import('../../src/api/destination.js'),
    import('../../src/api/migrate-options.js'),
  ]);
  const destination = parseDestination(options.destination, {
    remote: options.remote,
    keys: options.keys,
    peers: several(options.peer),
  });
  const duration = (name: string, text: string | undefined) =>
    text === undefined ? undefined : parseDuration(name, text);
  const size = (name: string, text: string | undefined) => (text === undefined ? undefined : parseSize(name, text));
  const name = parseName(options);
  const moving: MigrateOptions = {
    arch: options.arch === undefined ? undefined : parseArch(options.arch),
    dirs: several(options.dir).map(parseRemoteDir),
    sameDirs: options.sameDirs,
    fds: Object.fromEntries(parseFds(several(options.fd))),
    listen: several(options.listen),
    strictFiles: options.strictFiles,
    ...(name === undefined ? {} : { name }),
    maxMemory: size('max-memory', options.maxMemory),
    outputDir: options.outputDir,
    dryRun: options.dryRun,
    copy: options.keep,
    downtime: duration('downtime', options.downtime),
    maxTime: duration('max-time', options.maxTime),
    onTimeout: options.onTimeout,
    lazy: options.lazy,
    limitRate: size('limit-rate', options.limitRate),
    compress: options.compress,
    hashFiles: options.hashFiles,
    attach: options.attach,
    patience: duration('timeout', options.timeout),
    onWarning: printWarning,
  };
  checkOptions(moving);
  if (PID.test(options.process) && !existsSync(`/proc/${options.process}`)) await attachGiven(options.process); // fails
  const interruption = new Interruption('it continues here');
  const { abortSignal } = interruption;
  abortSignal.addEventListener('abort', () => report.isAsked(String(abortSignal.reason)), { once: true });
  // a receiver that is started loads meanwhile; one that listens has done so
  const early = options.destination.startsWith('tls:') ? undefined : new EarlyLink(destination);
  let workload: ImageProcess | undefined;
  let pipes: ProgramPipes | undefined;
  try {
    workload = await attachGiven(options.process, abortSignal);
    pipes = moving.attach ? new ProgramPipes(workload.pid) : undefined;
    const { migrateAttached } = await import('../../src/api/migrate.js');
    const moved = await migrateAttached(workload, early ?? destination, {
      ...moving,
      signal: abortSignal,
      onEvent: report.onEvent,
    });
    report.moved(moved);
    interruption.stop();
    if (pipes !== undefined) await followProgram(moved, pipes, abortSignal.aborted);
  } finally {
    await early?.close('nothing comes');
    pipes?.close();
    interruption.stop();
    workload?.close();
  }
}

/** A path on the other host, or its receiver's name for a directory: it is not looked up here. */
function parseRemoteDir(text: string): Directory {
  if (text.startsWith('/')) return parseDir(text.includes('::') ? text : `${text}::${text}`);
  const [, name] = /^([^/:]+)::/.exec(text) ?? [];
  if (name !== undefined) return { ...parseDir(text), host: name };
  throw new UsageError(`--dir ${text}: expected an absolute path of the other host, or NAME::GUEST`);
}
