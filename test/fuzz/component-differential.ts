/**
 * Runs random components (random-component.ts) twice: as we do, and in V8 by the code that jco makes of them, on top of
 * a model of WASI (wasi-model.ts). Exit code, output and files must be the same.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { $init, generate } from '@bytecodealliance/jco-transpile/component';
import { launch } from '../../src/api/launch.js';
import { readProgram } from '../../src/api/read-program.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { targets } from '../../src/arch/targets.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { readModuleBytes } from '../../src/wasm/wat.js';
import { Choices } from './choices.js';
import { randomComponent } from './random-component.js';
import { Exit, type Start, WasiModel } from './wasi-model.js';

declare const WebAssembly: { readonly Module: new (bytes: Uint8Array) => object };

const TRAP = 134;
const PATIENCE = 120_000; // milliseconds: it hangs

/** Of standard input, output and errors. */
type Paths = [string, string, string];

interface Ending {
  /** Undefined: a trap. */
  readonly code: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly files: string;
}

type Instantiate = (
  module: (path: string) => object,
  imports: unknown,
) => { readonly run: { readonly run: () => void } };

export class ComponentDifferential {
  /** How programs ended: how often by exit code or trap. */
  readonly ends = new Map<string, number>();
  private scripts = 0;

  /** @param folder of its own */
  constructor(private readonly folder: string) {}

  /** @returns what was different, if anything; the component is at `path` then */
  async run(seed: number, arch: ArchName): Promise<string | undefined> {
    const bytes = await readModuleBytes(Buffer.from(randomComponent(new Choices(seed))), 'random.wat');
    writeFileSync(this.path, bytes);
    const start = STARTS[seed % STARTS.length]!;
    const expected = await this.inV8(bytes, { ...start, folder: this.files('v8') });
    const found = await this.native(arch, { ...start, folder: this.files('native') });
    const end = expected.code === undefined ? 'trap' : `${Math.min(expected.code, 2)}`;
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
    return difference(expected, found);
  }

  get path(): string {
    return join(this.folder, 'random.wasm');
  }

  /** A folder with the files that programs find. */
  private files(name: string): string {
    const folder = join(this.folder, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'dir'), { recursive: true });
    writeFileSync(join(folder, 'a.txt'), 'text of a\n');
    writeFileSync(join(folder, 'dir/b.txt'), 'b'.repeat(70_000));
    symlinkSync('a.txt', join(folder, 'link'));
    return folder;
  }

  private async inV8(bytes: Uint8Array, start: Start): Promise<Ending> {
    await $init;
    const options = { name: 'random', instantiation: { tag: 'sync' }, noTypescript: true, base64Cutoff: 0 } as const;
    const { files } = generate(bytes, options);
    const modules = new Map(files);
    // as a file: V8 keeps what is imported from data URLs by their whole text
    const script = join(this.folder, `random-${this.scripts++}.mjs`);
    writeFileSync(script, modules.get('random.js')!);
    const { instantiate } = (await import(/* @vite-ignore */ pathToFileURL(script).href)) as {
      instantiate: Instantiate;
    };
    const model = new WasiModel(start);
    try {
      const code = codeOf(() => {
        instantiate((path) => new WebAssembly.Module(modules.get(path)!), model.imports).run.run();
      });
      return { code, stdout: model.stdout, stderr: model.stderr, files: contentsOf(start.folder) };
    } finally {
      model.close();
      rmSync(script);
    }
  }

  private async native(arch: ArchName, start: Start): Promise<Ending> {
    const { args, env, folder } = start;
    const { bytes } = await readProgram(this.path, 'random component');
    const image = join(this.folder, 'random');
    const inputs = [{ module: decodeModule(bytes, 'random component'), file: 'random component' }];
    writeImage(compileImage(inputs, { target: targets[arch] }), image);
    // files: a pipe is not always ready to be written
    const [input, output, errors] = ['input', 'output', 'errors'].map((name) => join(this.folder, name)) as Paths;
    writeFileSync(input, start.input);
    const stdio = [openSync(input, 'r'), openSync(output, 'w'), openSync(errors, 'w')];
    try {
      const { program, args: words, argv0 } = launch(image, args[0]!);
      const { status, signal, error } = spawnSync(program, [...words, ...args.slice(1)], {
        argv0,
        env: { ...env, WAGSNAP_DIR: `${folder}::.` },
        stdio,
        timeout: PATIENCE,
      });
      const [stdout, stderr] = [readFileSync(output), readFileSync(errors)];
      if (error !== undefined || signal !== null) throw error ?? new Error(`it ended by ${signal}: ${stderr}`);
      const trap = status === TRAP ? stderr.lastIndexOf('wasm trap: ') : -1;
      const said = trap < 0 ? stderr : stderr.subarray(0, trap);
      return { code: trap < 0 ? status! : undefined, stdout, stderr: said, files: contentsOf(folder) };
    } finally {
      for (const fd of stdio) closeSync(fd);
    }
  }
}

/** @returns the exit code; undefined for a trap */
function codeOf(run: () => void): number | undefined {
  try {
    run();
    return 0;
  } catch (error) {
    if (error instanceof Exit) return error.code;
    // an error of the component's own function is no Error
    return error instanceof Error && !('payload' in error) ? undefined : 1;
  }
}

function difference(expected: Ending, found: Ending): string | undefined {
  for (const what of ['code', 'stdout', 'stderr', 'files'] as const) {
    const [is, wanted] = [found[what], expected[what]].map((value) =>
      Buffer.isBuffer(value) ? value.toString('latin1') : `${value ?? 'trap'}`,
    ) as [string, string];
    if (is === wanted) continue;
    let at = 0;
    while (at < is.length && is[at] === wanted[at]) at++;
    const near = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 40));
    return `${what} at ${at}: ${near(wanted)} in V8, ${near(is)} natively`;
  }
  return undefined;
}

/** Names, sizes and beginnings of all files. */
function contentsOf(folder: string): string {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return names
    .map((name) => {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) return name;
      const bytes = readFileSync(path);
      return `${name}: ${createHash('sha256').update(bytes).digest('hex')} ${bytes.length}`;
    })
    .join(', ');
}

/** What programs are started with. One variable each: qemu-user has another order of several. */
const STARTS: readonly Omit<Start, 'folder'>[] = [
  { args: ['random'], env: {}, input: new Uint8Array() },
  { args: ['random', 'a', ''], env: { A: '1' }, input: Buffer.from('some input') },
  {
    args: ['\u00e9\u{1f600}', 'b'.repeat(5000)],
    env: { é: `a=b${'c'.repeat(9000)}` },
    input: Buffer.alloc(200_000, 'input '),
  },
];
