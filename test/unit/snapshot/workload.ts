/** Programs in the text format as running processes, for tests of capture. Needs dist/runtime/host.wasm. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { x64 } from '../../../src/arch/x64/target.js';
import { compileImage } from '../../../src/compile/compile.js';
import { writeImage } from '../../../src/compile/image/write-file.js';
import type { ValType } from '../../../src/compile/wasm/module.js';
import { readModule } from '../../../src/compile/wasm/wat.js';
import type { Frames } from '../../../src/snapshot/snapshot.js';

export async function compileText(folder: string, name: string, text: string): Promise<string> {
  const module = await readModule(new TextEncoder().encode(text), `${name}.wat`);
  const path = join(folder, name);
  writeImage(compileImage([{ module, file: `${name}.wat` }], { target: x64 }), path);
  return path;
}

export class Workload {
  output = '';
  readonly closed: Promise<[number | null, NodeJS.Signals | null]>;

  constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('latin1').on('data', (text) => {
        this.output += text;
      });
    }
    this.closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  }

  static start(path: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Workload {
    return new Workload(spawn(path, args, { env: { ...env }, stdio: 'pipe' }));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Waits until it has printed `text`. */
  async prints(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`ended with ${this.child.exitCode}: ${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.closed;
  }
}

/** The integers and floats of a frame as numbers: [locals, operands]. */
export function numbers(frames: Frames, frame: number): [bigint[], bigint[]] {
  const { locals, operands } = frames.site(frame);
  const value = (n: number) => {
    const { lo, hi } = frames.value(frame, n);
    return (BigInt(hi) << 32n) | BigInt(lo);
  };
  return [
    Array.from(locals, (_: ValType, n) => value(n)),
    Array.from(operands, (_: ValType, n) => value(locals.length + n)),
  ];
}

/** Prints the letter in local 0 (i32): for use in a module with `IMPORTS`. */
export const PRINT = `
  (func $print (param i32)
    (i32.store8 (i32.const 16) (local.get 0))
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))`;

export const IMPORTS = `
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))`;
