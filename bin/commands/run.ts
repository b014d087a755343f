/** `wag-snap run`: starts a module or an image and behaves like it. */

import { basename } from 'node:path';
import type { CommandModule } from 'yargs';
import { quoted } from '../../src/base/terminal-text.js';
import { entryFunction } from '../../src/wasm/entry.js';
import { ExternKind, type Module } from '../../src/wasm/module.js';
import { type LimitOptions, limitOptions, limitVariables, parseLimits } from '../options/limits.js';
import { type NameOptions, nameOptions, nameVariable, parseName } from '../options/name.js';
import { PidFile, type PidFileOptions, pidFileOptions } from '../options/pid-file.js';
import { formatDirs, once, parseDir, parseEnv, several, UsageError } from '../options/usage.js';
import { becomeWorkload, needsNobody } from '../programs/become.js';
import { expectKind } from '../programs/expect-kind.js';
import { InputFile, inputIdentity } from '../programs/input-file.js';
import { Interruption } from '../programs/interruption.js';
import { parseOnTrap, type TrapOptions, TrapWatch, trapOptions } from '../programs/on-trap.js';
import { openProgram, type Program } from '../programs/program.js';
import { runWorkload, type WorkloadOptions } from '../programs/workload.js';

interface Options extends LimitOptions, TrapOptions, NameOptions, PidFileOptions {
  program: string;
  args: string[] | undefined;
  '--': string[] | undefined;
  dir: string | string[] | undefined;
  env: string | string[] | undefined;
  allowProc: boolean;
  listen: string | string[] | undefined;
  invoke: string | undefined;
  deterministic: boolean;
  allowMissingImports: boolean;
  verbose: boolean;
}

/** The first that a process has besides the standard streams. */
const FIRST_DESCRIPTOR = 3;

const command: CommandModule<object, Options> = {
  command: 'run <program> [args..]',
  describe: 'Run a module or an image',
  builder: (yargs) =>
    yargs
      .usage('$0 run [options] <module|image> [arg..]')
      .positional('program', { type: 'string', demandOption: true, describe: 'a module (.wasm or .wat) or an image' })
      .positional('args', {
        type: 'string',
        array: true,
        describe: 'all that follows is for the program, options too',
      })
      .option('dir', {
        type: 'string',
        requiresArg: true,
        describe: 'HOST[::GUEST][:ro|:rw]: a directory that the program may use (may be repeated)',
      })
      .option('allow-proc', {
        type: 'boolean',
        default: false,
        describe: 'directories may be on procfs: the program can then write its own code, and leave the sandbox',
      })
      .option('env', {
        type: 'string',
        requiresArg: true,
        describe: 'K=V: a variable of its environment, which has no others (may be repeated)',
      })
      .option('listen', {
        type: 'string',
        requiresArg: true,
        describe:
          'HOST:PORT or unix:PATH: an address that it may accept connections at, after its directories (may be repeated)',
      })
      .options(limitOptions)
      .options(trapOptions)
      .options(nameOptions)
      .options(pidFileOptions)
      .option('invoke', {
        type: 'string',
        requiresArg: true,
        coerce: once('invoke', true),
        describe: 'call this exported function with the arguments and print its results',
      })
      .option('deterministic', { type: 'boolean', default: false, describe: 'modules: see compile' })
      .option('allow-missing-imports', { type: 'boolean', default: false, describe: 'modules: see compile' })
      .option('verbose', {
        alias: 'v',
        type: 'boolean',
        default: false,
        describe: 'print each import, then the pid',
      })
      .example([
        ['$0 run --dir . app.wasm in.txt --count', 'gives it this directory; in.txt and --count are its own'],
        ['$0 run --invoke add math.wasm 2 3', 'calls one function and prints what it returns'],
      ]) as never,
  handler: async (options) => {
    const { program: path } = options;
    const input = InputFile.open(path);
    const { kind } = input;
    expectKind(input, 'run', ['module', 'image']);
    if (kind === 'image') refuseCompilerOptions(options);
    const args = [...(options.args ?? []), ...(options['--'] ?? [])];
    const env = { ...nameVariable(parseName(options)), ...parseEnv(several(options.env)) };
    const dirs = several(options.dir).map(parseDir);
    if (dirs.length > 0) {
      const { warnOfCacheGrant } = await import('../options/cache-grant.js');
      warnOfCacheGrant(dirs);
      env['WAGSNAP_DIR'] = formatDirs(dirs);
    }
    if (options.allowProc) env['WAGSNAP_ALLOW_PROC'] = '1';
    const limits = parseLimits(options);
    const onTrap = parseOnTrap(options, [inputIdentity(path)]);
    const pidFile = new PidFile(options, [inputIdentity(path)], options.coredump);
    const watch = new TrapWatch(onTrap, FIRST_DESCRIPTOR);
    Object.assign(env, limitVariables(limits), watch.env);
    if (options.invoke !== undefined && (onTrap.park || onTrap.coredump !== undefined)) {
      throw new UsageError('--on-trap and --coredump are not for --invoke, where a trap is the answer');
    }
    const listeners = several(options.listen);
    if (listeners.length > 0) {
      const { parseListen } = await import('../options/listen.js');
      env['WAGSNAP_LISTEN'] = (await Promise.all(listeners.map(parseListen))).join('\n');
    }
    const interruption = new Interruption('nothing was started');
    let program: Program | undefined;
    try {
      program = await openProgram(input, options);
      await interruption.settle();
      if (options.invoke === undefined && program.hasModule) checkEntry(await program.module(), path);
      if (options.verbose) await program.printImports();
      const { release } = program;
      const argv0 = kind === 'image' ? path : basename(path);
      const workload = { env, argv0, args, timeout: limits.timeout, release, onEnd: () => pidFile.remove() };
      const onStart = (pid: number) => {
        interruption.stop();
        pidFile.write(pid);
        if (options.verbose) process.stderr.write(`pid ${pid}\n`);
      };
      if (options.invoke !== undefined) await invokeExport(program, options.invoke, workload, onStart);
      else {
        if (needsNobody(options)) {
          await becomeWorkload(program.image, workload, program.isTemporary, async () => {
            await interruption.settle();
            if (options.verbose) process.stderr.write(`pid ${process.pid}\n`); // last: who reads it may send signals
          });
        }
        const { descriptors } = watch;
        await runWorkload(program.image, { ...workload, descriptors }, (pid, _, child, endTimeout) => {
          onStart(pid);
          watch.start(child, endTimeout);
        });
        await watch.finished();
      }
    } finally {
      program?.release();
      input.release();
      interruption.stop();
    }
  },
};
export default command;

/** An image has been compiled: what the compiler would do differently comes too late. */
function refuseCompilerOptions({ program, deterministic, allowMissingImports }: Options): void {
  const option = deterministic ? '--deterministic' : allowMissingImports ? '--allow-missing-imports' : undefined;
  if (option === undefined) return;
  throw new UsageError(
    `${option} is for modules: ${program} is an image already; wag-snap compile ${option} makes one`,
  );
}

/** A module that starts nothing would end at once, with success. @throws UsageError */
function checkEntry(module: Module, path: string): void {
  if (module.start !== undefined || entryFunction(module, true) !== undefined) return;
  const names = module.exports.filter(({ kind }) => kind === ExternKind.Func).map(({ name }) => quoted(name));
  const hint =
    names.length > 0 ? `call one of its functions with --invoke: ${names.join(', ')}` : 'it exports no function';
  throw new UsageError(`${path} has no _start, so there is nothing to run: ${hint}`);
}

async function invokeExport(
  program: Program,
  name: string,
  workload: WorkloadOptions,
  onStart: (pid: number) => void,
): Promise<void> {
  const { findInvokeTarget, invoke, parseArguments } = await import('../programs/invoke.js');
  const { readImage } = await import('../../src/image/reader.js');
  const image = readImage(program.image);
  try {
    const target = findInvokeTarget(image, await program.module(), name);
    const values = parseArguments(name, target.type, workload.args);
    await invoke(program.image, target, values, { ...workload, args: [] }, onStart);
  } finally {
    image.close();
  }
}
