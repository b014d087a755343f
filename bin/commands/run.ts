/** `wag-snap run`: starts a module or an image and behaves like it. */

import type { CommandModule } from 'yargs';
import { keyFiles } from '../../src/api/key-files.js';
import { processEnvironment } from '../../src/api/process-options.js';
import { functionsWithoutEntry, importLines, prepareProgram } from '../../src/api/program.js';
import { quoted, terminalLines } from '../../src/base/terminal-text.js';
import type { Module } from '../../src/wasm/module.js';
import { form } from '../options/form.js';
import { type LimitOptions, limitOptions, parseLimits } from '../options/limits.js';
import { type LinkOptions, linkOptions, parseLinks } from '../options/link.js';
import { type NameOptions, nameOptions, parseName } from '../options/name.js';
import { PidFile, type PidFileOptions, pidFileOptions } from '../options/pid-file.js';
import { parseTriggers, type TriggerOptions, triggerOptions } from '../options/snapshot-triggers.js';
import { storeOptions } from '../options/store.js';
import { refuseTrust, trust, trustOptions } from '../options/trust.js';
import { once, parseArch, parseDir, parseEnv, several, UsageError } from '../options/usage.js';
import { expectKind } from '../programs/expect-kind.js';
import { InputFile, inputIdentity } from '../programs/input-file.js';
import { readLinkedModules } from '../programs/linked-modules.js';
import { parseOnTrap, type TrapOptions, TrapWatch, trapOptions } from '../programs/on-trap.js';
import { needsNobody, startPrepared } from '../programs/start.js';
import { refuseUnasked } from '../programs/unasked.js';
import { withSnapshots } from '../programs/with-snapshots.js';
import { warnOfCacheGrant } from '../show/warning.js';

interface Options extends LinkOptions, LimitOptions, TrapOptions, NameOptions, PidFileOptions, TriggerOptions {
  program: string;
  args: string[] | undefined;
  '--': string[] | undefined;
  dir: string | string[] | undefined;
  env: string | string[] | undefined;
  allowProc: boolean;
  listen: string | string[] | undefined;
  invoke: string | undefined;
  beginAtOnce: boolean;
  deterministic: boolean;
  allowMissingImports: boolean;
  verbose: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'run <program> [args..]',
  describe: 'Run a module, a component or an image',
  builder: (yargs) =>
    yargs
      .usage('$0 run [options] <module|component|image> [arg..]')
      .positional('program', {
        type: 'string',
        demandOption: true,
        describe: 'a module (.wasm or .wat), a component or an image',
      })
      .positional('args', {
        type: 'string',
        array: true,
        describe: 'everything that follows belongs to the program, options too',
      })
      .option('dir', {
        type: 'string',
        requiresArg: true,
        describe: 'HOST[::GUEST][:ro|:rw]: a directory that the program may use (may be repeated)',
      })
      .option('allow-proc', {
        type: 'boolean',
        default: false,
        describe: 'allow directories on procfs: the program can then write its own code and leave the sandbox',
      })
      .option('env', {
        type: 'string',
        requiresArg: true,
        describe: 'K=V: an environment variable of the program, which has no others (may be repeated)',
      })
      .option('listen', {
        type: 'string',
        requiresArg: true,
        describe: 'HOST:PORT or unix:PATH: an address at which it may accept connections (may be repeated)',
      })
      .options(limitOptions)
      .options(trapOptions)
      .options(nameOptions)
      .options(pidFileOptions)
      .options(storeOptions)
      .options(triggerOptions)
      .options(trustOptions)
      .option('invoke', {
        type: 'string',
        requiresArg: true,
        coerce: once('invoke', true),
        describe: 'call this exported function with the arguments and print its results',
      })
      .option('begin-at-once', {
        type: 'boolean',
        default: false,
        describe:
          'modules: start one that is not cached before it is compiled; functions are compiled as they are called',
      })
      .option('link', { ...linkOptions.link, describe: `modules: ${linkOptions.link.describe}` })
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
    const { deterministic, allowMissingImports, link } = options;
    const early = { arch: parseArch(undefined), deterministic, allowMissingImports };
    const input = await InputFile.openProgram(options.program, link === undefined ? early : undefined);
    try {
      await run(input, options);
    } finally {
      input.release();
    }
  },
};
export default command;

async function run(input: InputFile, options: Options): Promise<void> {
  const { name: path, kind } = input;
  expectKind(input, 'run', ['module', 'component', 'image']);
  if (kind === 'image') refuseCompilerOptions(options);
  const args = [...(options.args ?? []), ...(options['--'] ?? [])];
  const name = parseName(options);
  const env = parseEnv(several(options.env));
  const dirs = several(options.dir).map(parseDir);
  await warnOfCacheGrant(dirs);
  const limits = parseLimits(options);
  const links = parseLinks(options);
  const keys = keyFiles({ ...form(options), ...trust(options) });
  const inputs = [...[path, ...links.map((link) => link.path)].map(inputIdentity), ...keys];
  const onTrap = parseOnTrap(options, inputs);
  const pidFile = new PidFile(options, inputs, options.coredump);
  const { invoke, allowProc, verbose } = options;
  if (invoke !== undefined && (onTrap.park || onTrap.coredump !== undefined)) {
    throw new UsageError('--on-trap and --coredump are not for --invoke, where a trap is the answer');
  }
  if (invoke !== undefined && options.beginAtOnce) {
    throw new UsageError('--begin-at-once is not for --invoke, which calls one function of a module that is compiled');
  }
  const triggers = parseTriggers(options);
  if (triggers === undefined) refuseTrust(options);
  if (invoke !== undefined && triggers !== undefined) {
    throw new UsageError('-t and --snapshot-… are not for --invoke: wag-snap capture takes a snapshot of it');
  }
  const listen = several(options.listen);
  const environment = await processEnvironment({ name, env, dirs, listen, allowProc, ...limits });
  const linked = await readLinkedModules(links, 'run');
  await startPrepared(
    (signal) => {
      const compilation = { arch: parseArch(undefined), linked, ...options };
      return prepareProgram(input, compilation, { args: invoke === undefined ? args : [], env: environment }, signal);
    },
    async (program, descriptor) => {
      if (invoke === undefined && program.hasModule) checkEntry(await program.module(), path);
      if (verbose) process.stderr.write(terminalLines(await importLines(await program.module())));
      if (invoke === undefined) {
        await refuseUnasked(triggers, path, async () => {
          const { mayAsk } = await import('../../src/api/asks-for-snapshots.js');
          const main = program.hasModule ? (await program.module()).bytes : undefined;
          return mayAsk([main, ...linked.map(({ bytes }) => bytes)]);
        });
        return withSnapshots(new TrapWatch(onTrap, descriptor), triggers, verbose, descriptor);
      }
      const [{ InvokeAttendant }, { prepareCall, textArguments }] = await Promise.all([
        import('../programs/invoke.js'),
        import('../../src/api/call-message.js'),
      ]);
      const call = prepareCall(program.image, await program.module(), invoke, textArguments(args));
      return new InvokeAttendant(call, descriptor);
    },
    { mayBecome: invoke === undefined && needsNobody(options), timeout: limits.timeout, pidFile, verbose },
  );
}

/** Refuses options of the compiler for an image, which is compiled already. */
function refuseCompilerOptions({ program, deterministic, allowMissingImports, link, beginAtOnce }: Options): void {
  if (beginAtOnce) throw new UsageError(`--begin-at-once is for modules: ${program} is an image already`);
  const isLinked = link === undefined ? undefined : '--link';
  const option = deterministic ? '--deterministic' : allowMissingImports ? '--allow-missing-imports' : isLinked;
  if (option === undefined) return;
  throw new UsageError(
    `${option} is for modules: ${program} is an image already; wag-snap compile ${option} makes one`,
  );
}

/** @throws UsageError */
function checkEntry(module: Module, path: string): void {
  const names = functionsWithoutEntry(module)?.map(quoted);
  if (names === undefined) return;
  const hint =
    names.length > 0 ? `call one of its functions with --invoke: ${names.join(', ')}` : 'it exports no function';
  throw new UsageError(`${path} has no _start, so there is nothing to run: ${hint}`);
}
