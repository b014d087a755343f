/** `wag-snap submit`: gives a module to the lattice, which runs it on some node. */

import { buffer } from 'node:stream/consumers';
import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions, parsePairs } from '../options/lattice.js';
import { DURATION, parseDuration, parseSize } from '../options/limits.js';
import { once, parseArch, parseEnv, several, UsageError } from '../options/usage.js';
import { withLattice } from '../programs/lattice.js';

interface Options extends LatticeOptions {
  module: string;
  args: string[] | undefined;
  '--': string[] | undefined;
  name: string | undefined;
  replicas: string | undefined;
  arch: string | undefined;
  label: string | string[] | undefined;
  memory: string | undefined;
  dir: string | string[] | undefined;
  listen: string | string[] | undefined;
  env: string | string[] | undefined;
  snapshotEvery: string | undefined;
  restart: 'never' | 'on-failure' | 'always' | undefined;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'submit <module> [args..]',
  describe: 'Give a module to the lattice, which runs it on some node',
  builder: (yargs) =>
    yargs
      .positional('module', { type: 'string', describe: 'the module; - is standard input' })
      .positional('args', { type: 'string', describe: 'its arguments; those that begin with - follow --' })
      .option('name', {
        type: 'string',
        requiresArg: true,
        coerce: once('name'),
        describe: "the job's name; default: the name of the module's file",
      })
      .option('replicas', {
        type: 'string',
        requiresArg: true,
        coerce: once('replicas'),
        describe: 'N: how many of it run; default: 1; the second one is named NAME-2',
      })
      .option('arch', {
        type: 'string',
        requiresArg: true,
        coerce: once('arch'),
        describe: 'x64 or arm64: the CPU that it has to run on; default: any',
      })
      .option('label', {
        type: 'string',
        requiresArg: true,
        describe: 'K=V: a label that its node must have (may be repeated)',
      })
      .option('memory', {
        type: 'string',
        requiresArg: true,
        coerce: once('memory'),
        describe: 'SIZE[K|M|G]: limit of its memories, which its node must have left',
      })
      .option('dir', {
        type: 'string',
        requiresArg: true,
        describe: 'NAME[::GUEST]: a directory that nodes grant as NAME, and its name in the program (may be repeated)',
      })
      .option('listen', {
        type: 'string',
        requiresArg: true,
        describe:
          'NAME: an address that nodes grant as NAME, where it accepts connections; in the order of its listeners (may be repeated)',
      })
      .option('env', {
        type: 'string',
        requiresArg: true,
        describe: 'K=V: an environment variable of the program, which has no others (may be repeated)',
      })
      .option('snapshot-every', {
        type: 'string',
        requiresArg: true,
        coerce: once('snapshot-every'),
        describe: `${DURATION}: how often it is captured, for the case that its node is lost; default: never`,
      })
      .option('restart', {
        choices: ['never', 'on-failure', 'always'] as const,
        requiresArg: true,
        coerce: once('restart') as never,
        describe: 'whether it begins again when it has ended; default: never',
      })
      .options(latticeOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print a JSON array of the names' })
      .example([
        ['$0 submit counter.wasm --snapshot-every 10s', 'prints the name of the job: counter'],
        ['$0 submit app.wasm --replicas 3 --label zone=b --memory 256M -- -v', 'three of it, with an argument'],
      ]) as never,
  handler: async (options) => {
    const { name, memory, snapshotEvery, restart } = options;
    const submitted = {
      name,
      replicas: options.replicas === undefined ? undefined : parseCount(options.replicas),
      args: [...(options.args ?? []), ...(options['--'] ?? [])],
      env: parseEnv(several(options.env)),
      arch: options.arch === undefined ? undefined : parseArch(options.arch),
      labels: parsePairs('label', options.label),
      memory: memory === undefined ? undefined : parseSize('memory', memory),
      dirs: several(options.dir).map(parseJobDir),
      listen: several(options.listen).map(parseJobAddress),
      snapshotEvery: snapshotEvery === undefined ? undefined : parseDuration('snapshot-every', snapshotEvery),
      restart,
    };
    await withLattice(options, async (lattice) => {
      const module = options.module === '-' ? await buffer(process.stdin) : options.module;
      const names = await lattice.submit(module, submitted);
      if (options.json) console.log(terminalJson(names));
      else for (const one of names) console.log(one);
    });
  },
};
export default command;

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new UsageError(`--replicas ${text}: expected a number from 1 on`);
}

function parseJobDir(text: string): { name: string; guest: string } {
  const [name = '', guest = name, ...rest] = text.split('::');
  if (name === '' || guest === '' || name.includes('/') || rest.length > 0) {
    throw new UsageError(
      `--dir ${text}: expected NAME[::GUEST], where NAME is what a node grants (node --dir NAME=PATH)`,
    );
  }
  return { name, guest };
}

function parseJobAddress(name: string): string {
  if (/^[^=/:]+$/.test(name)) return name;
  throw new UsageError(`--listen ${name}: expected a NAME that nodes grant (node --listen NAME=HOST:PORT)`);
}
