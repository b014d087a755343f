/** `wag-snap restore`: continues with a snapshot here and now, or writes an executable that does. */

import { closeSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CommandModule } from 'yargs';
import type { ArchName } from '../../src/arch/masm/target.js';
import { InputError } from '../../src/base/errors.js';
import { type Destination, type Input, openDestination } from '../../src/base/output.js';
import { makeTemporaryFolder, nameTemporary, removeTemporary, shareFolder } from '../../src/base/temporary.js';
import { terminalLines } from '../../src/base/terminal-text.js';
import { type FdPolicy, RestoreProblems } from '../../src/restore/grants.js';
import type { RestoreOptions } from '../../src/restore/restore.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { type LimitOptions, type Limits, limitOptions, limitVariables, parseLimits } from '../options/limits.js';
import { type NameOptions, nameOptions, parseName } from '../options/name.js';
import { PidFile, type PidFileOptions, pidFileOptions } from '../options/pid-file.js';
import { shellWord } from '../options/shell-word.js';
import { once, parseArch, parseDir, several, UsageError } from '../options/usage.js';
import { becomeWorkload, canBecome, needsNobody } from '../programs/become.js';
import { expectKind } from '../programs/expect-kind.js';
import { InputFile, inputIdentity, withInput } from '../programs/input-file.js';
import { Interruption, uninterrupted } from '../programs/interruption.js';
import { type OnTrap, parseOnTrap, type TrapOptions, TrapWatch, trapOptions } from '../programs/on-trap.js';
import { runWorkload } from '../programs/workload.js';
import { Progress } from '../show/progress.js';
import { printResult } from '../show/result.js';
import { printWarning } from '../show/warning.js';

interface Options extends LimitOptions, TrapOptions, NameOptions, PidFileOptions {
  snapshot: string;
  output: string | undefined;
  dir: string | string[] | undefined;
  allowProc: boolean;
  listen: string | string[] | undefined;
  sameDirs: boolean;
  fd: string | string[] | undefined;
  strictFiles: boolean;
  noCheck: boolean;
  module: string | undefined;
  arch: string | undefined;
  verbose: boolean;
}

type Policies = ReadonlyMap<number, FdPolicy>;

/** The descriptor at which a process inherits the snapshot that its memory is mapped from. */
const SOURCE_FD = 3;
/** Bytes: any kernel takes as many. */
const SHOWN_ARGUMENTS_MAX = 1 << 16;

const command: CommandModule<object, Options> = {
  command: 'restore <snapshot>',
  describe: 'Continue with a snapshot',
  builder: (yargs) =>
    yargs
      .positional('snapshot', { type: 'string', demandOption: true, describe: 'a .wsnap file' })
      .option('output', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        coerce: once('output'),
        describe: 'write a self-contained executable instead of running',
      })
      .option('dir', {
        type: 'string',
        requiresArg: true,
        describe: 'HOST::GUEST[:ro|:rw]: where a directory that the program uses is now (may be repeated)',
      })
      .option('allow-proc', {
        type: 'boolean',
        default: false,
        describe: 'directories may be on procfs: see run',
      })
      .option('listen', {
        type: 'string',
        requiresArg: true,
        describe:
          'HOST:PORT or unix:PATH: where it accepts connections now, in the order of its descriptors (may be repeated)',
      })
      .option('same-dirs', {
        type: 'boolean',
        default: false,
        describe:
          'directories without --dir, addresses without --listen are what they were: only for snapshots that you trust',
      })
      .option('fd', {
        type: 'string',
        requiresArg: true,
        describe:
          'N=ignore|close|fail|PATH|reopen: what becomes of descriptor N: nothing to read and a bit bucket, closed, ' +
          'refused when it is not what it was, another file, opened again (default) (may be repeated)',
      })
      .option('strict-files', {
        type: 'boolean',
        default: false,
        describe: 'files that have changed since the capture, or are other ones, are errors, not warnings',
      })
      .option('no-check', {
        type: 'boolean',
        default: false,
        describe: 'with -o: do not look at files and addresses here, as the executable will run elsewhere',
      })
      .option('module', {
        type: 'string',
        requiresArg: true,
        coerce: once('module'),
        describe: 'the module, when the snapshot does not carry it',
      })
      .option('arch', {
        type: 'string',
        requiresArg: true,
        coerce: once('arch'),
        describe: 'CPU to continue with: x64 or arm64; default: this machine',
      })
      .options(limitOptions)
      .options(trapOptions)
      .options(nameOptions)
      .options(pidFileOptions)
      .option('verbose', {
        alias: 'v',
        type: 'boolean',
        default: false,
        describe: 'print what is restored, and the pid',
      })
      .example([
        ['$0 restore job.wsnap --dir /data::/d', 'continues, with /data where it had /d'],
        ['$0 restore job.wsnap --arch arm64 -o job', 'writes an executable for another machine'],
      ]) as never,
  handler: async (options) => {
    const arch = parseArch(options.arch);
    const { output } = options;
    const destination = output === undefined ? undefined : openDestination(output, inputsOf(options));
    const input = InputFile.open(options.snapshot);
    try {
      await restore(input, options, arch, destination);
    } finally {
      input.release();
    }
  },
};
export default command;

/** What no output may replace. */
function inputsOf({ snapshot, module }: Options): Input[] {
  return [snapshot, ...(module === undefined ? [] : [module])].map(inputIdentity);
}

async function restore(
  input: InputFile,
  options: Options,
  arch: ArchName,
  destination: Destination | undefined,
): Promise<void> {
  const { path } = input;
  expectKind(input, 'restore', ['snapshot']);
  const directories = several(options.dir).map(parseDir);
  const limits = parseLimits(options);
  const name = parseName(options);
  const onTrap = parseOnTrap(options, inputsOf(options));
  const pidFile = new PidFile(options, inputsOf(options), options.coredump);
  if (options.output !== undefined) {
    refuseLimits(limits);
    refuseOnTrap(onTrap);
    if (options.pidFile !== undefined)
      throw new UsageError('--pid-file is for running: whoever starts the executable knows its pid');
    if (options.allowProc) {
      throw new UsageError('--allow-proc is for running: set WAGSNAP_ALLOW_PROC=1 when the executable is started');
    }
  } else if (options.noCheck) {
    throw new UsageError('--no-check is for executables that will run elsewhere: it needs -o');
  }
  const [
    { readSnapshot },
    { checkNotTrapped, restoreSnapshot },
    { checkHost },
    { ImageCache },
    { cachedImages },
    { targets },
  ] = await Promise.all([
    import('../../src/snapshot/format.js'),
    import('../../src/restore/restore.js'),
    import('../../src/restore/check-host.js'),
    import('../../src/image/cache.js'),
    import('../../src/api/cached-image.js'),
    import('../../src/arch/targets.js'),
  ]);
  const stored = readSnapshot(path);
  checkNotTrapped(stored.snapshot, path);
  checkDirectories(stored, directories);
  const policies = await readPolicies(stored, several(options.fd));
  const listeners = await readListeners(stored, several(options.listen), policies);
  const grants = { directories, listeners, policies, recordedDirectories: options.sameDirs };
  if (!options.noCheck) {
    const warnings = await checkHost(stored, { ...grants, strictFiles: options.strictFiles }).catch(withCommandLine);
    for (const warning of warnings) printWarning(warning);
  }
  if (directories.length > 0) {
    const { warnOfCacheGrant } = await import('../options/cache-grant.js');
    warnOfCacheGrant(directories);
  }
  const progress = new Progress('writing');
  const common = {
    target: targets[arch],
    module: options.module === undefined ? undefined : await readGivenModule(options.module),
    ...grants,
    name,
    maxMemory: limits.memory,
    maxStack: limits.stack,
    images: cachedImages(new ImageCache()),
    onProgress: (done: number, total: number) => progress.update(done, total),
  };
  if (options.verbose) process.stderr.write(describeRestore(stored));
  if (destination === undefined) {
    // an emulator needs the image, and a temporary snapshot somebody who removes it
    const isAlone = canBecome() && needsNobody(options) && arch === process.arch && !input.isTemporary;
    await runRestored(
      stored,
      isAlone,
      (output) => {
        const source = isAlone ? { sourcePath: resolve(stored.path) } : { sourceFd: SOURCE_FD };
        return restoreSnapshot(stored, { ...common, output, ...source });
      },
      limits,
      onTrap,
      pidFile,
      options,
    );
    return;
  }
  const { path: output } = destination;
  try {
    await uninterrupted(`${output} is complete`, () =>
      restoreSnapshot(stored, { ...common, output: destination } satisfies RestoreOptions),
    );
  } finally {
    progress.end();
  }
  printResult(output, output);
}

/**
 * Starts a resumable image that lives only as long as it takes to start it.
 *
 * @param isAlone whether this process becomes it, where it can: the image opens the snapshot itself then
 */
async function runRestored(
  stored: StoredSnapshot,
  isAlone: boolean,
  write: (output: string) => Promise<void>,
  limits: Limits,
  onTrap: OnTrap,
  pidFile: PidFile,
  { verbose, allowProc }: Pick<Options, 'verbose' | 'allowProc'>,
): Promise<void> {
  const interruption = new Interruption('nothing was started');
  let folder: string | undefined;
  let source = -1;
  const release = () => {
    if (folder !== undefined) removeTemporary(folder);
    folder = undefined;
  };
  try {
    folder = makeTemporaryFolder();
    const image = join(folder, 'image');
    nameTemporary(image, stored.path);
    if (!isAlone) source = openSync(stored.path, 'r');
    await write(image);
    await interruption.settle();
    const [argv0 = stored.snapshot.modules[0].name.replaceAll('\0', ''), ...args] = shownArguments(stored);
    const watch = new TrapWatch(onTrap, SOURCE_FD + 1);
    const workload = {
      env: { ...limitVariables(limits), ...watch.env, ...(allowProc ? { WAGSNAP_ALLOW_PROC: '1' } : {}) },
      argv0,
      args,
      descriptors: isAlone ? [] : [source, ...watch.descriptors],
      timeout: limits.timeout,
      release,
      onEnd: () => pidFile.remove(),
    };
    if (isAlone) {
      await becomeWorkload(image, workload, true, async () => {
        await interruption.settle();
        if (verbose) process.stderr.write(`pid ${process.pid}\n`); // last: who reads it may send signals
      });
    }
    await runWorkload(image, workload, (pid, emulated, child, endTimeout) => {
      interruption.stop();
      if (source >= 0) closeSync(source);
      source = -1;
      if (emulated && folder !== undefined) shareFolder(folder, pid);
      pidFile.write(pid);
      if (verbose) process.stderr.write(`pid ${pid}\n`);
      watch.start(child, endTimeout);
    });
    await watch.finished();
  } finally {
    release();
    interruption.stop();
    if (source >= 0) closeSync(source);
  }
}

/**
 * The program's arguments, as the kernel is to show them; the program has its own from the snapshot. Those after an
 * argument that is too long for it are left out.
 */
function shownArguments({ snapshot }: StoredSnapshot): string[] {
  const shown: string[] = [];
  let room = SHOWN_ARGUMENTS_MAX;
  for (const arg of snapshot.host.args) {
    const text = Buffer.from(arg).toString();
    room -= Buffer.byteLength(text) + 1;
    if (room < 0) break;
    shown.push(text);
  }
  return shown;
}

/** An executable is limited when it is started, by its environment. */
function refuseLimits({ memory, stack, timeout }: Limits): void {
  const hint = (option: string, variable: string) =>
    new UsageError(`--${option} is for running: set ${variable} when the executable is started`);
  if (memory !== undefined) throw hint('max-memory', 'WAGSNAP_MAX_MEMORY');
  if (stack !== undefined) throw hint('max-stack', 'WAGSNAP_MAX_STACK');
  if (timeout !== undefined) throw new UsageError('--timeout is for running: use timeout(1) for the executable');
}

function refuseOnTrap({ park, coredump }: OnTrap): void {
  if (park) throw new UsageError('--on-trap is for running: set WAGSNAP_ON_TRAP=park when the executable is started');
  if (coredump !== undefined) {
    throw new UsageError('--coredump is for running: start the executable with WAGSNAP_ON_TRAP=park');
  }
}

/** A --dir that names no directory of the snapshot is a mistake that would otherwise go unnoticed. */
function checkDirectories({ snapshot }: StoredSnapshot, directories: readonly { readonly guest: string }[]): void {
  const names = snapshot.host.descriptors
    .filter(({ kind }) => kind === 'preopen')
    .map(({ guestName }) => Buffer.from(guestName).toString());
  for (const { guest } of directories) {
    if (names.includes(guest)) continue;
    throw new UsageError(`--dir: the snapshot has no directory ${guest}; it has: ${names.join(', ') || 'none'}`);
  }
}

async function readPolicies({ snapshot }: StoredSnapshot, texts: readonly string[]): Promise<Policies> {
  if (texts.length === 0) return new Map();
  const { parseFds } = await import('../options/fd-option.js');
  return parseFds(texts, snapshot.host.descriptors);
}

async function readListeners(
  { snapshot }: StoredSnapshot,
  texts: readonly string[],
  policies: Policies,
): Promise<string[]> {
  if (texts.length === 0) return [];
  const isGone = (fd: number) => policies.get(fd) === 'close' || policies.get(fd) === 'ignore';
  const count = snapshot.host.descriptors.filter(({ kind, fd }) => kind === 'listener' && !isGone(fd)).length;
  if (texts.length > count) throw new UsageError(`--listen: the program accepts connections at ${count} addresses`);
  const { parseListen } = await import('../options/listen.js');
  return Promise.all(texts.map(parseListen));
}

/** To what was not given, adds the command line that gives what the snapshot had. */
function withCommandLine(error: unknown): never {
  if (!(error instanceof RestoreProblems)) throw error;
  const recorded = error.problems.flatMap(({ recorded = [] }) => recorded);
  if (recorded.length === 0) throw error;
  const words = ['wag-snap', ...process.argv.slice(2), ...recorded].map(shellWord);
  throw new InputError(error.code, error.headline, [...error.details, `with what it had: ${words.join(' ')}`]);
}

async function readGivenModule(path: string): Promise<Uint8Array> {
  const { readModuleBytes } = await import('../../src/wasm/wat.js');
  return withInput(path, (input) => {
    expectKind(input, 'restore --module', ['module']);
    return readModuleBytes(input.path, path);
  });
}

function describeRestore({ snapshot }: StoredSnapshot): string {
  const { source, modules, frames, instances, created } = snapshot;
  const bytes = instances.flatMap(({ memories }) => memories).reduce((sum, { pages }) => sum + pages * 65536, 0);
  return terminalLines([
    `module ${modules.map(({ name, sha256 }) => name || sha256.slice(0, 12)).join(', ')}, captured ` +
      `${new Date(created).toISOString()} on ${source.arch} by wag-snap ${source.compiler}`,
    `memory ${bytes} bytes, stack ${frames.count} ${frames.count === 1 ? 'frame' : 'frames'}`,
  ]);
}
