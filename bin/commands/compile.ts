/** `wag-snap compile`: a module to an image, or to one of the listings of what is in it. */

import type { CommandModule } from 'yargs';
import { cpuFlags } from '../../src/api/cpu-flags.js';
import { CPU_LEVELS, type CpuLevel } from '../../src/arch/masm/cpu-levels.js';
import type { ArchName, Target } from '../../src/arch/masm/target.js';
import { openDestination } from '../../src/base/output.js';
import type { Module } from '../../src/wasm/module.js';
import { once, parseArch, UsageError } from '../options/usage.js';
import { expectKind } from '../programs/expect-kind.js';
import { inputIdentity, moduleName, withInput } from '../programs/input-file.js';
import { uninterrupted } from '../programs/interruption.js';
import type { FunctionListing } from '../show/dump-code.js';
import { Progress } from '../show/progress.js';

const DUMPS = ['asm', 'sites', 'maps', 'sections'] as const;

interface Options {
  module: string;
  output: string | undefined;
  arch: string | undefined;
  cpu: string | undefined;
  deterministic: boolean;
  allowMissingImports: boolean;
  dump: (typeof DUMPS)[number] | undefined;
  function: string | undefined;
  sites: boolean;
  noSites: boolean;
  verbose: boolean;
}

/** What --cpu may say besides: the level of this machine's CPU. */
const NATIVE = 'native';

const command: CommandModule<object, Options> = {
  command: 'compile <module>',
  describe: 'Compile a module (.wasm or .wat) to an image: a static executable',
  builder: (yargs) =>
    yargs
      .positional('module', { type: 'string', demandOption: true, describe: 'the module' })
      .option('output', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        coerce: once('output'),
        describe: 'file to write; default: the name of the module, here',
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
        describe: 'calls of functions that nothing provides trap; memories, tables and globals are made',
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
        describe: 'say how large and how fast',
      })
      .example([
        ['$0 compile app.wasm -o app', 'makes an executable, app'],
        ['$0 compile lib.wat --dump asm --function add', 'lists the code of one function'],
      ]) as never,
  handler: async (options) => {
    const arch = parseArch(options.arch);
    const level = cpuLevel(arch, options.cpu);
    const [{ readModule }, { compileImage }, { writeImage }, { levels, targets }] = await Promise.all([
      import('../../src/wasm/wat.js'),
      import('../../src/compile/link/compile.js'),
      import('../../src/compile/link/write-file.js'),
      import('../../src/arch/targets.js'),
    ]);
    const output = options.output ?? (options.dump === undefined ? await defaultOutput(options.module) : undefined);
    const destination = output === undefined ? undefined : openDestination(output, [inputIdentity(options.module)]);
    const start = performance.now();
    const module = await withInput(options.module, (input) => {
      expectKind(input, 'compile', ['module']);
      return readModule(input.path, options.module);
    });
    const listing = await functionListing(options, module);
    const progress = new Progress('compiling');
    const image = progress.during(() =>
      compileImage([{ module, file: options.module }], {
        target: level === undefined ? targets[arch] : (levels[arch] as Record<string, Target>)[level],
        deterministic: options.deterministic,
        allowMissingImports: options.allowMissingImports,
        sites: !options.noSites,
        onProgress: (done, total) => progress.update(done, total),
        debugging: listing && {
          onInstruction: (funcIndex, bodyOffset, textOffset) => {
            if (funcIndex === listing.funcIndex) listing.starts.push([bodyOffset, textOffset]);
          },
        },
      }),
    );
    if (options.dump !== undefined) {
      const { dump } = await import('../show/dump.js');
      dump(options.dump, image.bytes, listing);
    }
    if (destination !== undefined) {
      await uninterrupted(`${destination.path} is complete`, () => writeImage(image, destination));
    }
    if (options.verbose) {
      const seconds = (performance.now() - start) / 1000;
      const { codeSize } = image.identity.text;
      process.stderr.write(
        `${module.bytes.length} bytes of wasm, ${codeSize} of code, ${image.size} of image in ${seconds.toFixed(3)} s\n`,
      );
    }
  },
};
export default command;

/** What --function asks for, to be filled while it is compiled. */
async function functionListing(options: Options, module: Module): Promise<FunctionListing | undefined> {
  if (options.function === undefined) return undefined;
  if (options.dump !== 'asm') throw new UsageError('--function is for --dump asm');
  const { findFunction } = await import('../show/dump-code.js');
  return { module, funcIndex: findFunction(module, options.function), starts: [] };
}

/** What --cpu names; undefined for the least. */
function cpuLevel(arch: ArchName, cpu: string | undefined): string | undefined {
  if (cpu === undefined) return undefined;
  if (cpu === NATIVE && arch === process.arch) return nativeLevel();
  const known: readonly string[] = CPU_LEVELS[arch];
  if (known.includes(cpu)) return cpu;
  throw new UsageError(`--cpu ${cpu} is unknown for ${arch}: ${[NATIVE, ...known].join(', ')}`);
}

/** The level of this machine's CPU, as far as it makes a difference. */
function nativeLevel(): CpuLevel<'x64'> | undefined {
  return cpuFlags().has('avx2') ? 'x86-64-v3' : undefined;
}

/**
 * @throws UsageError when the module's name is no name for an image; of another kind of file InputError, which matters
 * more
 */
async function defaultOutput(path: string): Promise<string> {
  const name = moduleName(path);
  if (path !== '-' && name !== path) return name;
  if (path !== '-') await withInput(path, (input) => expectKind(input, 'compile', ['module']));
  throw new UsageError(`${path}: where to? Give the image a name with -o`);
}
