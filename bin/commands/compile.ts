/** `wag-snap compile`: compiles a module to an image, or prints a listing of an image's contents. */

import type { CommandModule } from 'yargs';
import { type ArchName, CPU_LEVELS, type CpuLevel, nativeLevel } from '../../src/api/cpu.js';
import { InputError } from '../../src/base/errors.js';
import { openDestination } from '../../src/base/output.js';
import { parseJobs } from '../options/jobs.js';
import { type Link, type LinkOptions, linkOptions, parseLinks } from '../options/link.js';
import { once, parseArch, UsageError } from '../options/usage.js';
import { expectKind } from '../programs/expect-kind.js';
import { type InputFile, inputIdentity, moduleName, withInput, withProgram } from '../programs/input-file.js';
import { uninterrupted } from '../programs/interruption.js';
import { readLinkedModules } from '../programs/linked-modules.js';
import { Progress } from '../show/progress.js';

const DUMPS = ['asm', 'sites', 'maps', 'sections'] as const;

interface Options extends LinkOptions {
  module: string;
  output: string | undefined;
  arch: string | undefined;
  cpu: string | undefined;
  deterministic: boolean;
  allowMissingImports: boolean;
  hostImports: boolean;
  dump: (typeof DUMPS)[number] | undefined;
  function: string | undefined;
  jobs: string | undefined;
  sites: boolean;
  noSites: boolean;
  verbose: boolean;
}

/** The other value of --cpu: the level of this machine's CPU. */
const NATIVE = 'native';

const command: CommandModule<object, Options> = {
  command: 'compile <module>',
  describe: 'Compile a module (.wasm or .wat) or a component to an image: a static executable',
  builder: (yargs) =>
    yargs
      .positional('module', { type: 'string', demandOption: true, describe: 'the module or component' })
      .option('output', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        coerce: once('output'),
        describe: 'file to write; default: the name of the module, in this folder',
      })
      .option('arch', {
        type: 'string',
        requiresArg: true,
        coerce: once('arch'),
        describe: 'CPU to compile for: x64 (also x86-64, amd64) or arm64 (also aarch64)',
      })
      .option('cpu', {
        type: 'string',
        requiresArg: true,
        coerce: once('cpu'),
        describe: `level of the CPU: ${[NATIVE, ...CPU_LEVELS.x64, ...CPU_LEVELS.arm64].join(', ')}`,
      })
      .option('deterministic', {
        type: 'boolean',
        default: false,
        describe: 'give every NaN the same bits, so that runs are alike on all CPUs',
      })
      .option('allow-missing-imports', {
        type: 'boolean',
        default: false,
        describe:
          'accept imports that nothing provides: such functions trap when called; memories, tables and globals are created',
      })
      .option('host-imports', {
        type: 'boolean',
        default: false,
        describe: 'functions that nothing provides come from the program that starts the image through the library',
      })
      .options(linkOptions)
      .option('jobs', {
        alias: 'j',
        type: 'string',
        requiresArg: true,
        coerce: once('jobs'),
        describe: 'number of threads for a large module; default: one for each processor',
      })
      .option('dump', {
        choices: DUMPS,
        requiresArg: true,
        coerce: once('dump'),
        describe: 'print a listing; writes an image only with -o',
      })
      .option('function', {
        type: 'string',
        requiresArg: true,
        coerce: once('function'),
        describe: 'with --dump asm: this function only, by index or name, with its instructions between the lines',
      })
      .option('no-sites', { type: 'boolean', default: false, hidden: true })
      .option('verbose', {
        alias: 'v',
        type: 'boolean',
        default: false,
        describe: 'print sizes and the time',
      })
      .example([
        ['$0 compile app.wasm -o app', 'makes an executable, app'],
        ['$0 compile lib.wat --dump asm --function add', 'lists the code of one function'],
      ]) as never,
  handler: async (options) => {
    const arch = parseArch(options.arch);
    const level = cpuLevel(arch, options.cpu);
    const jobs = parseJobs(options.jobs);
    if (options.function !== undefined && options.dump !== 'asm') throw new UsageError('--function is for --dump asm');
    const output = options.output ?? (options.dump === undefined ? await defaultOutput(options.module) : undefined);
    const links = parseLinks(options);
    const inputs = [options.module, ...links.map(({ path }) => path)].map(inputIdentity);
    const destination = output === undefined ? undefined : openDestination(output, inputs);
    const start = performance.now();
    const { deterministic, allowMissingImports, noSites } = options;
    const early = { arch, cpu: level, deterministic, allowMissingImports, sites: !noSites };
    const isAlone = links.length === 0 && !options.hostImports;
    const { image, listing } = await withProgram(options.module, isAlone ? early : undefined, (input) => {
      expectKind(input, 'compile', ['module', 'component']);
      return compile(input, options, { links, arch, level, jobs });
    });
    if (options.dump !== undefined) {
      const { dump } = await import('../show/dump.js');
      dump(options.dump, image, listing);
    }
    if (destination !== undefined) {
      await uninterrupted(`${destination.path} is complete`, () => image.write(destination));
    }
    if (options.verbose) {
      const seconds = (performance.now() - start) / 1000;
      const { size } = image.modules[image.modules.length - 1];
      process.stderr.write(
        `${size} bytes of wasm, ${image.codeSize} of code, ${image.size} of image in ${seconds.toFixed(3)} s\n`,
      );
    }
  },
};
export default command;

interface Parsed {
  readonly links: readonly Link[];
  readonly arch: ArchName;
  readonly level: CpuLevel | undefined;
  readonly jobs: number | undefined;
}

async function compile({ path, arrived }: InputFile, options: Options, { links, arch, level, jobs }: Parsed) {
  const { compileInDetail } = await import('../../src/api/compile-in-detail.js');
  const progress = new Progress('compiling');
  try {
    return await compileInDetail(arrived?.bytes ?? path, {
      name: options.module,
      arch,
      ...(level === undefined ? {} : { cpu: level }),
      ...(jobs === undefined ? {} : { jobs }),
      deterministic: options.deterministic,
      allowMissingImports: options.allowMissingImports,
      hostImports: options.hostImports,
      sites: !options.noSites,
      linked: await readLinkedModules(links, 'compile'),
      functionListing: options.function,
      early: arrived?.early,
      onProgress: (done, total) => progress.update(done, total),
    });
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== 'function') throw error;
    throw new InputError(error.code, `--function ${error.headline}`);
  } finally {
    progress.end();
  }
}

/** The level that --cpu names; undefined for the lowest. */
function cpuLevel(arch: ArchName, cpu: string | undefined): CpuLevel | undefined {
  if (cpu === undefined) return undefined;
  if (cpu === NATIVE && arch === process.arch) return nativeLevel();
  const known: readonly CpuLevel[] = CPU_LEVELS[arch];
  const level = known.find((one) => one === cpu);
  if (level !== undefined) return level;
  throw new UsageError(`--cpu ${cpu} is unknown for ${arch}: ${[NATIVE, ...known].join(', ')}`);
}

/**
 * @throws UsageError when no name for the image can be made of the module's; InputError when the file is of another
 * kind, which matters more
 */
async function defaultOutput(path: string): Promise<string> {
  const name = moduleName(path);
  if (path !== '-' && name !== path) return name;
  if (path !== '-') await withInput(path, (input) => expectKind(input, 'compile', ['module', 'component']));
  throw new UsageError(`${path}: no name for the image can be made of this: add -o FILE`);
}
