/** The fuzzer's command line. An error in it is printed with the usage, and ends the process with status 2. */

import { parseArgs } from 'node:util';
import { ARCHES, AVX } from '../spec/targets.js';

const USAGE = `usage: npm run fuzz -- [differential | migration | peers | stores | components] [options]

Random modules until a failure or the time is over. differential (default): native code against V8; a failure is made
small and left in build/fuzz. migration: captured at random safepoints, restored, perhaps captured again.
peers: what both sides of a move say, mutated, for the other side to bear.
stores: hostile folders in the place of a store.
components: damaged ones, compiled and described; random ones against jco's code in V8.

  --seconds N    how long (60)
  --seed N       the first case; without it another one each time
  --arch CPU     x64, x64-avx or arm64: what is run (x64), or restored for (x64 or arm64, by the seed)
  --from CPU     migration: what is captured on (x64 or arm64, by the seed)
  --variations   differential: other versions of the compiler too (src/compile/convention/variation.ts); migration always has them
  --only TEXT    differential: variants whose JSON contains TEXT, as "tailCalls", "tryTables", "references", "casts", "small"
  --batch N      differential: cases in one process (40)
  --help         this text`;

const MODES = ['differential', 'migration', 'peers', 'stores', 'components'] as const;

export interface FuzzOptions {
  readonly mode: (typeof MODES)[number];
  readonly seconds: number;
  readonly seed: number;
  readonly arch: string | undefined;
  readonly from: string | undefined;
  readonly variations: boolean;
  readonly only: string;
  readonly batch: number;
}

class UsageError extends Error {}

/** Ends the process for --help and for what cannot be. */
export function fuzzOptions(args: readonly string[]): FuzzOptions {
  try {
    return parse(args);
  } catch (error) {
    const isOurs =
      error instanceof UsageError || `${(error as NodeJS.ErrnoException).code}`.startsWith('ERR_PARSE_ARGS');
    if (!isOurs) throw error;
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function parse(args: readonly string[]): FuzzOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: `${Date.now() % 1_000_000_000}` },
      arch: { type: 'string' },
      from: { type: 'string' },
      variations: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      batch: { type: 'string', default: '40' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const [mode = 'differential', more] = positionals;
  if (!isMode(mode)) throw new UsageError(`no such mode: ${mode}`);
  if (more !== undefined) throw new UsageError(`unexpected argument: ${more}`);
  const { variations, only } = values;
  return {
    mode,
    seconds: number('seconds', values.seconds, 1),
    seed: number('seed', values.seed, 0),
    arch: cpu('arch', values.arch),
    from: cpu('from', values.from),
    variations,
    only,
    batch: number('batch', values.batch, 1),
  };
}

function isMode(text: string): text is FuzzOptions['mode'] {
  return MODES.some((mode) => mode === text);
}

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > 0xffffffff)
    throw new UsageError(`--${name} ${text}: not a number`);
  return value;
}

function cpu(name: string, text: string | undefined): string | undefined {
  if (text !== undefined && ![...ARCHES, AVX].includes(text)) throw new UsageError(`--${name} ${text}: no such CPU`);
  return text;
}
