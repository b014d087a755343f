/**
 * Classic BPF over struct seccomp_data (linux/seccomp.h, linux/bpf_common.h), as far as our filters use it: run as the
 * kernel does.
 */

export interface Instruction {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly k: number;
}

/** What the filter looks at. */
export interface SystemCallData {
  readonly nr: number;
  readonly arch: number;
  /** Up to six, unsigned. */
  readonly args: readonly bigint[];
}

export const RET_ALLOW = 0x7fff0000;
export const RET_KILL_PROCESS = 0x80000000;

/** struct sock_filter, 8 bytes each. */
export function decodeProgram(bytes: Uint8Array): Instruction[] {
  const view = Buffer.from(bytes);
  return Array.from({ length: bytes.length / 8 }, (_, i) => ({
    code: view.readUInt16LE(i * 8),
    ifTrue: view.readUInt8(i * 8 + 2),
    ifFalse: view.readUInt8(i * 8 + 3),
    k: view.readUInt32LE(i * 8 + 4),
  }));
}

/** @returns what the filter returns @throws when the kernel would not have taken it */
export function runProgram(program: readonly Instruction[], { nr, arch, args }: SystemCallData): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(nr >>> 0, 0);
  data.writeUInt32LE(arch >>> 0, 4);
  args.forEach((value, i) => {
    data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + i * 8);
  });
  let accumulator = 0;
  let other = 0; // the register X
  for (let at = 0; ; ) {
    const instruction = program[at++];
    if (instruction === undefined) throw new Error('the filter has no end');
    const { code, ifTrue, ifFalse, k } = instruction;
    if (code === 0x20) {
      if (k % 4 !== 0 || k > 60) throw new Error(`a load at ${k}`);
      accumulator = data.readUInt32LE(k);
    } else if (code === 0x15) at += accumulator === k ? ifTrue : ifFalse;
    else if (code === 0x25) at += accumulator > k ? ifTrue : ifFalse;
    else if (code === 0x35) at += accumulator >= k ? ifTrue : ifFalse;
    else if (code === 0x07) other = accumulator;
    else if (code === 0x0c) accumulator = (accumulator + other) >>> 0;
    else if (code === 0x1c) accumulator = (accumulator - other) >>> 0;
    else if (code === 0x06) return k;
    else throw new Error(`unknown instruction 0x${code.toString(16)}`);
  }
}
