/**
 * Guest code that has got hold of the system call instruction: an image whose function `raw` is overwritten with native
 * code that makes any system call, for tests of the sandbox. For this machine's CPU: emulators know no system call
 * filter.
 *
 * The guest prints the native address of its memory, then obeys: a command is seven u64, number and arguments, and
 * bytes that lie in its memory at `dataAddress`; the reply is the result, or the process's end.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { targets } from '../../src/arch/targets.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { readImage } from '../../src/image/reader.js';
import { readModule } from '../../src/wasm/wat.js';
import { nativeArch } from './native-arch.js';
import { type SystemCall, systemCallNumber } from './system-calls.js';

const COMMAND = 64;
const DATA = COMMAND + 56;
const FILLER = '(i64.store (i32.const 8) (i64.mul (i64.load (i32.const 16)) (i64.load (i32.const 24))))'.repeat(4);
const GUEST = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 32) "${bytesOf(8, 8)}${bytesOf(COMMAND, 4096)}")
  (func $raw (param i32) (result i64) ${FILLER} (i64.const 0))
  (func $base (result i64) ${FILLER} (i64.const 0))
  (func $reply (param i64)
    (i64.store (i32.const 8) (local.get 0))
    (drop (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 0))))
  (func (export "_start")
    (call $reply (call $base))
    (loop $next
      (drop (call $read (i32.const 0) (i32.const 40) (i32.const 1) (i32.const 0)))
      (if (i32.load (i32.const 0)) (then (call $reply (call $raw (i32.const ${COMMAND}))) (br $next))))))`;
/** Function indices. */
const RAW = 2;
const BASE = 3;

function bytesOf(...values: number[]): string {
  return [...Buffer.from(Uint32Array.from(values).buffer)]
    .map((byte) => `\\${byte.toString(16).padStart(2, '0')}`)
    .join('');
}

/**
 * RAW's parameter is an offset in memory; there are the number and the arguments.
 *
 *     x86-64: rax + r15 to r13; rax, rdi, rsi, rdx, r10, r8, r9 from there; syscall; ret
 *     ARM64:  x0 + x28 to x9; x8, x0 to x5 from there; svc; ret
 *
 * BASE moves the memory's address, r15 or x28, to the result.
 */
const CODE = {
  x64: {
    [RAW]: '4989c5 4d01fd 498b4500 498b7d08 498b7510 498b5518 4d8b5520 4d8b4528 4d8b4d30 0f05 c3',
    [BASE]: '4c89f8 c3',
  },
  arm64: {
    [RAW]: '8903008b 280140f9 208540a9 228d41a9 249542a9 010000d4 c0035fd6',
    [BASE]: 'e0031caa c0035fd6',
  },
} as const;

/** Writes the image. */
export async function forgeImage(path: string): Promise<void> {
  const module = await readModule(new TextEncoder().encode(GUEST), 'forged.wat');
  const { bytes } = compileImage([{ module, file: 'forged.wat' }], { target: targets[nativeArch] });
  const image = readImage(bytes);
  for (const index of [RAW, BASE] as const) {
    const code = CODE[nativeArch][index];
    const { start } = image.sites.function(image.sites.functionRow(1, index));
    bytes.set(Buffer.from(code.replaceAll(' ', ''), 'hex'), image.identity.text.imageOffset + start);
  }
  image.close();
  writeFileSync(path, bytes, { mode: 0o755 });
}

export class ForgedGuest {
  private received = Buffer.alloc(0);
  private readonly ended: Promise<unknown[]>;
  /** Native address of a command's data. */
  dataAddress = 0n;

  private constructor(readonly process: ChildProcess) {
    process.stdin!.on('error', () => {});
    process.stdout!.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    this.ended = once(process, 'close');
  }

  static async start(image: string, env: Readonly<Record<string, string>> = {}): Promise<ForgedGuest> {
    const guest = new ForgedGuest(spawn(image, { env: { ...env }, stdio: ['pipe', 'pipe', 'inherit'] }));
    const base = await guest.reply();
    if (typeof base !== 'bigint') throw new Error(`the forged guest has ended: ${base}`);
    guest.dataAddress = base + BigInt(DATA);
    return guest;
  }

  /** Makes a system call. Its result, or the name of the signal or the exit code that the process has ended with. */
  async call(
    name: SystemCall,
    args: readonly (number | bigint)[] = [],
    data: Uint8Array | string = '',
  ): Promise<bigint | string> {
    const nr = systemCallNumber(name, nativeArch);
    if (nr === undefined) throw new Error(`${nativeArch} has no ${name}`);
    const words = BigInt64Array.from([nr, ...args, 0, 0, 0, 0, 0, 0].slice(0, 7).map(BigInt));
    this.process.stdin!.write(Buffer.concat([Buffer.from(words.buffer), Buffer.from(data as string), Buffer.alloc(1)]));
    return this.reply();
  }

  async stop(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  private async reply(): Promise<bigint | string> {
    let end: string | undefined;
    const ended = this.ended.then(([code, signal]) => {
      end = String(signal ?? code);
    });
    while (this.received.length < 8 && end === undefined)
      await Promise.race([once(this.process.stdout!, 'data'), ended]);
    if (this.received.length < 8) return end!;
    const result = this.received.readBigInt64LE();
    this.received = this.received.subarray(8);
    return result;
  }
}
