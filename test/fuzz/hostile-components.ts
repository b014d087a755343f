/**
 * What hostile components (component-mutations.ts) are refused for: each is compiled and described, or refused in one
 * line with a code. Neither crashes, hangs, or takes memory out of proportion. A process of its own does it, which
 * whoever waits can end.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readContents } from '../../src/api/read-program.js';
import { commandComponent } from '../support/command-component.js';
import { random } from '../support/random.js';
import { ComponentMutator } from './component-mutations.js';

const FIXTURES = ['fileio', 'native', 'readline', 'sums', 'wasi'];
/** Milliseconds; none takes a twentieth of this. */
const PATIENCE = 120_000;
/** Bytes, with Node's own. */
const MOST_MEMORY = 1.5 * 2 ** 30;
const CODE = /^[a-z]+([A-Z-][a-z0-9]+)*$/;

interface End {
  readonly code: string;
  readonly message?: string;
  readonly headline?: string;
  /** Of a description: why the component cannot be compiled. */
  readonly refused?: string;
}

interface Answer {
  readonly compiled: End;
  readonly described: End;
  readonly memory: number;
}

export class HostileComponents {
  /** How compilations ended: how often by code. */
  readonly ends = new Map<string, number>();
  private victim: ChildProcess | undefined;
  private mutator: ComponentMutator | undefined;

  /** @param folder of its own */
  constructor(private readonly folder: string) {}

  async prepare(): Promise<void> {
    const files = FIXTURES.map((name) => readFileSync(resolve(`fixtures/components/${name}.wasm`)));
    const small = [
      await commandComponent(),
      await commandComponent({ virtual: true }),
      await commandComponent({ further: '(module (memory 1) (data (i32.const 8) "a") (func $f) (start $f))' }),
      (await readContents(Buffer.from(TYPES), 'types.wat')).bytes,
    ];
    this.mutator = new ComponentMutator([...files, ...small, ...small]);
  }

  /** @returns what was wrong, if anything; the component is at `path` then */
  async bear(seed: number): Promise<string | undefined> {
    const next = random(seed);
    writeFileSync(
      this.path,
      this.mutator!.mutate((count) => Math.floor(next() * count)),
    );
    const answer = await this.ask();
    if (typeof answer === 'string') return answer;
    const { compiled, described, memory } = answer;
    this.ends.set(compiled.code, (this.ends.get(compiled.code) ?? 0) + 1);
    if (memory > MOST_MEMORY) {
      this.close(); // the next one begins anew
      return `it takes ${memory} bytes`;
    }
    for (const { code, message = '' } of [compiled, described]) {
      if (code === 'crash') return `it throws ${message}`;
      if (!CODE.test(code)) return `it has the code ${code}`;
      if (message.includes('\n') || message.length > 3000) return `it says ${JSON.stringify(message)}`;
    }
    const { refused } = described;
    const isLikeCompiled = refused === undefined || refused === compiled.headline;
    return isLikeCompiled ? undefined : `inspect says: ${refused}; compile says: ${compiled.headline}`;
  }

  get path(): string {
    return join(this.folder, 'hostile.wasm');
  }

  close(): void {
    this.victim?.kill('SIGKILL');
    this.victim = undefined;
  }

  private async ask(): Promise<Answer | string> {
    this.victim ??= await start();
    const { victim } = this;
    const answer = new Promise<Answer | string>((done) => {
      const timer = setTimeout(() => done('it hangs'), PATIENCE);
      const end = (result: Answer | string) => {
        clearTimeout(timer);
        victim.removeAllListeners();
        done(result);
      };
      victim.once('message', end);
      victim.once('exit', (code, signal) => end(`it ends the process: ${code ?? signal}`));
    });
    victim.send(this.path);
    const result = await answer;
    if (typeof result === 'string') this.close();
    return result;
  }
}

async function start(): Promise<ChildProcess> {
  const victim = fork(resolve('test/fuzz/component-victim.mjs'), { execArgv: ['--max-old-space-size=1024'] });
  await new Promise<void>((done, fail) => {
    victim.once('message', () => done());
    victim.once('exit', (code, signal) => fail(new Error(`the victim ended at once: ${code ?? signal}`)));
  });
  victim.removeAllListeners();
  return victim;
}

/** All kinds of types, nested. */
const TYPES = `(component
  (type $r (record (field "a" u8) (field "b" (list string)) (field "c" (option f64))))
  (type $v (variant (case "x") (case "y" $r) (case "z" (tuple s8 u16 char bool))))
  (type $f (flags "p" "q" "r")) (type $e (enum "m" "n")) (type $l (list (result $v (error $e))))
  (type $i (instance (alias outer 1 $l (type $l)) (export "l" (type (eq $l)))
    (export "t" (type $t (sub resource))) (export "f" (func (param "a" (own $t)) (param "b" (borrow $t)) (result $l)))))
  (import "test:a/b@1.0.0" (instance (type $i)))
  (type $n (list $v 3)) (type $m (tuple $n $n))
  (type $j (instance (alias outer 1 $i (type $i)) (alias outer 1 $m (type $m)) (export "x" (instance (type $i)))
    (export "y" (instance (type $i))) (export "exit" (func (param "a" $m)))))
  (import "wasi:cli/exit@0.2.0" (instance $exit (type $j)))
  (core func $lowered (canon lower (func $exit "exit")))
  (component $inner
    (import "g" (func $g (param "x" u32) (result u32)))
    (core module $m (func (export "f") (param i32 i32) (result i32) local.get 0) (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 8))
    (core instance $i (instantiate $m))
    (alias core export $i "memory" (core memory $memory)) (alias core export $i "realloc" (core func $realloc))
    (func (export "h") (param "s" string) (result u32)
      (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))
  (core module $m (func (export "run") (result i32) i32.const 0))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exported)))`;
