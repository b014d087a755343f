/** `wag-snap restore`: continues with a snapshot here and now, or writes an executable that does. */

import type { CommandModule } from 'yargs';
import { keyFiles } from '../../src/api/key-files.js';
import { isRegistryReference } from '../../src/api/registry-reference.js';
import type { RestoreRequest } from '../../src/api/restored-image.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { type Destination, type Input, openDestination, refuseInput } from '../../src/base/output.js';
import { terminalLines } from '../../src/base/terminal-text.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { type ChainOptions, chainOptions } from '../options/chain.js';
import { type ContinuationOptions, continuationOptions } from '../options/continuation.js';
import { type CountOptions, countOptions, parseCount } from '../options/count.js';
import { form } from '../options/form.js';
import { type LimitOptions, type Limits, limitOptions, parseLimits } from '../options/limits.js';
import { type NameOptions, nameOptions, parseName } from '../options/name.js';
import { PidFile, type PidFileOptions, pidFileOptions } from '../options/pid-file.js';
import { type RegistryOptions, registryOptions } from '../options/registry.js';
import { parseTriggers, type TriggerOptions, triggerOptions } from '../options/snapshot-triggers.js';
import { trust } from '../options/trust.js';
import { once, parseArch, several, UsageError } from '../options/usage.js';
import { canBecome } from '../programs/become.js';
import { cloneFiles } from '../programs/clone-files.js';
import { runClones } from '../programs/clone-group.js';
import { grantsHere } from '../programs/continuation.js';
import { expectKind } from '../programs/expect-kind.js';
import { inputIdentity, withInput } from '../programs/input-file.js';
import { uninterrupted } from '../programs/interruption.js';
import { type OnTrap, parseOnTrap, type TrapOptions, TrapWatch, trapOptions } from '../programs/on-trap.js';
import { openSubject, type Subject } from '../programs/restore-subject.js';
import { needsNobody, startPrepared } from '../programs/start.js';
import { refuseUnasked } from '../programs/unasked.js';
import { withSnapshots } from '../programs/with-snapshots.js';
import { Progress } from '../show/progress.js';
import { printResult } from '../show/result.js';
import { printWarning } from '../show/warning.js';

interface Options
  extends ContinuationOptions,
    CountOptions,
    LimitOptions,
    TrapOptions,
    NameOptions,
    PidFileOptions,
    ChainOptions,
    RegistryOptions,
    TriggerOptions {
  snapshot: string;
  output: string | undefined;
  noCheck: boolean;
  module: string | string[] | undefined;
  lazy: boolean;
  verbose: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'restore <snapshot>',
  describe: 'Continue with a snapshot',
  builder: (yargs) =>
    yargs
      .positional('snapshot', {
        type: 'string',
        demandOption: true,
        describe: 'a .wsnap file, NAME:TAG of a store, or oci://HOST/REPOSITORY[:TAG]',
      })
      .option('output', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        coerce: once('output'),
        describe: 'write a self-contained executable instead of running',
      })
      .options(continuationOptions)
      .options(countOptions)
      .option('no-check', {
        type: 'boolean',
        default: false,
        describe: 'with -o: skip the check of files and addresses, as the executable will run elsewhere',
      })
      .option('module', {
        type: 'string',
        requiresArg: true,
        describe: 'the module, when the snapshot does not carry it; for linked modules all of them (may be repeated)',
      })
      .option('lazy', {
        type: 'boolean',
        default: false,
        describe: 'begin before its memory is read from several files: wag-snap reads it while the program runs',
      })
      .options(chainOptions)
      .options(registryOptions)
      .options(limitOptions)
      .options(trapOptions)
      .options(nameOptions)
      .options(pidFileOptions)
      .options(triggerOptions)
      .option('verbose', {
        alias: 'v',
        type: 'boolean',
        default: false,
        describe: 'print what is restored, and the pid',
      })
      .example([
        ['$0 restore job.wsnap --dir /data::/d', 'continues, with /data where it had /d'],
        ['$0 restore job.wsnap --count 50 --output-dir out', 'fifty clones, and a file for what each prints'],
        ['$0 restore oci://registry.example/team/job', 'begins before all of it has been fetched'],
        ['$0 restore job.wsnap --arch arm64 -o job', 'writes an executable for another machine'],
      ]) as never,
  handler: async (options) => {
    const arch = parseArch(options.arch);
    const { output } = options;
    const destination = output === undefined ? undefined : openDestination(output, inputsOf(options));
    const subject = await openSubject(options);
    try {
      await restore(subject, options, arch, destination);
    } finally {
      subject.release();
    }
  },
};
export default command;

/** The files that no output may replace. */
function inputsOf({ snapshot, module, ...options }: Options): Input[] {
  const files = isRegistryReference(snapshot) ? [] : [snapshot];
  return [...[...files, ...several(module)].map(inputIdentity), ...keyFiles({ ...form(options), ...trust(options) })];
}

async function restore(
  input: Subject,
  options: Options,
  arch: ArchName,
  destination: Destination | undefined,
): Promise<void> {
  const limits = parseLimits(options);
  const name = parseName(options);
  const onTrap = parseOnTrap(options, inputsOf(options));
  const count = parseCount(options);
  if (count !== undefined) refuseForClones(options);
  else if (options.outputDir !== undefined) throw new UsageError('--output-dir is for clones: it needs --count');
  const triggers = parseTriggers(options);
  const pidFile = new PidFile(options, inputsOf(options), options.coredump);
  if (destination !== undefined) refuseRunning(options, limits, onTrap);
  else if (options.noCheck) {
    throw new UsageError('--no-check is for executables that will run elsewhere: it needs -o');
  }
  const api = await import('../../src/api/restored-image.js');
  const stored = await input.read();
  for (const written of [options.output, options.coredump, options.pidFile]) {
    if (written !== undefined)
      refuseInput(
        written,
        stored.ancestors?.map(({ path }) => path),
      );
  }
  const grants = await grantsHere(stored, options, { count, check: !options.noCheck });
  const progress = new Progress('writing');
  const request: RestoreRequest = {
    arch,
    grants,
    modules: await readGivenModules(several(options.module)),
    name,
    ...limits,
    allowProc: options.allowProc,
    lazy: options.lazy,
    onLost: (why) => printWarning(`the rest of its memory cannot be read: ${why}`),
    onProgress: (done, total) => progress.update(done, total),
  };
  if (options.verbose) process.stderr.write(describeRestore(stored));
  if (count !== undefined) {
    await runClones((signal) => api.prepareRestored(stored, request, false, signal), {
      count,
      env: onTrap.park ? { WAGSNAP_ON_TRAP: 'park' } : {},
      files: cloneFiles(options.outputDir),
      timeout: limits.timeout,
      verbose: options.verbose,
    });
    return;
  }
  if (destination === undefined) {
    const isCall = stored.snapshot.call !== undefined;
    if (isCall && (onTrap.park || onTrap.coredump !== undefined)) {
      throw new UsageError('--on-trap and --coredump are not for a call (run --invoke), where a trap is the answer');
    }
    if (triggers !== undefined) {
      if (isCall) throw new UsageError('-t and --snapshot-… are not for a call (run --invoke)');
      await refuseUnasked(triggers, input.name, async () => {
        const { snapshotMayAsk } = await import('../../src/api/asks-for-snapshots.js');
        return snapshotMayAsk(stored);
      });
    }
    // an emulator needs the image, a temporary snapshot must be removed, the results of a call must be printed
    const canBeAlone = arch === process.arch && !input.isTemporary && !isCall;
    const mayBecome = canBecome() && needsNobody(options) && canBeAlone && !options.lazy;
    const staying = mayBecome ? input.stay(stored) : undefined;
    const isAlone = staying !== undefined;
    await startPrepared(
      (signal) => api.prepareRestored(staying?.stored ?? stored, request, isAlone, signal),
      async ({ call }, descriptor) => {
        if (call === undefined) {
          return withSnapshots(new TrapWatch(onTrap, descriptor), triggers, options.verbose, descriptor);
        }
        const { InvokeAttendant } = await import('../programs/invoke.js');
        return new InvokeAttendant(call, descriptor);
      },
      { mayBecome: isAlone, timeout: limits.timeout, pidFile, verbose: options.verbose },
    ).finally(() => staying?.release());
    return;
  }
  const { path: output } = destination;
  try {
    await uninterrupted(`${output} is complete`, () => api.writeRestored(stored, request, destination));
  } finally {
    progress.end();
  }
  printResult(output, output);
}

/** What there is one of, not one for each. */
function refuseForClones(options: Options): void {
  const refuse = (option: string, hint: string) => {
    throw new UsageError(`--${option} and --count exclude each other: ${hint}`);
  };
  if (options.lazy) refuse('lazy', 'clones share pages that are there');
  if (options.output !== undefined) refuse('output', 'start the executable with WAGSNAP_CLONE=0, with 1, and so on');
  if (options.coredump !== undefined) refuse('coredump', '--on-trap park keeps those that trap: coredump PID');
  if (options.pidFile !== undefined) refuse('pid-file', '-v prints the pids');
  if (options.tag !== undefined) refuse('tag', 'wag-snap capture -t takes a snapshot of one');
}

/** Options of a running program that an executable gets from its environment when it is started. */
function refuseRunning(options: Options, { maxMemory, maxStack, timeout }: Limits, { park, coredump }: OnTrap): void {
  const refuse = (option: string, hint: string) => {
    throw new UsageError(`--${option} is for running: ${hint}`);
  };
  if (options.lazy) refuse('lazy', 'an executable has its memory in it, and maps it');
  if (maxMemory !== undefined) refuse('max-memory', 'set WAGSNAP_MAX_MEMORY when the executable is started');
  if (maxStack !== undefined) refuse('max-stack', 'set WAGSNAP_MAX_STACK when the executable is started');
  if (timeout !== undefined) refuse('timeout', 'use timeout(1) for the executable');
  if (park) refuse('on-trap', 'set WAGSNAP_ON_TRAP=park when the executable is started');
  if (options.tag !== undefined) refuse('tag', 'restore it with wag-snap, which takes the snapshots');
  if (coredump !== undefined) refuse('coredump', 'start the executable with WAGSNAP_ON_TRAP=park');
  if (options.pidFile !== undefined) refuse('pid-file', 'whoever starts the executable knows its pid');
  if (options.allowProc) refuse('allow-proc', 'set WAGSNAP_ALLOW_PROC=1 when the executable is started');
}

async function readGivenModules(paths: readonly string[]): Promise<Uint8Array[]> {
  const modules: Uint8Array[] = [];
  if (paths.length === 0) return modules;
  const { readProgram } = await import('../../src/api/read-program.js');
  for (const path of paths) {
    const { bytes } = await withInput(path, (input) => {
      expectKind(input, 'restore --module', ['module', 'component']);
      return readProgram(input.path, path);
    });
    modules.push(bytes);
  }
  return modules;
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
