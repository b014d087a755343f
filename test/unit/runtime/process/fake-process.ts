/**
 * A process for the host layer without native code: host.wasm in V8, its intrinsics over a sparse 64-bit address space
 * and a small model of Linux (mmap, mprotect, write, read, signals' bookkeeping). What guests do is given by `invoke`.
 *
 * Addresses are numbers below 2^53. The image is loaded at IMAGE; the host layer's own memory is where boot maps it.
 */

import { hostConstants } from '../../../../src/arch/x64/host-constants.js';
import { loadHostModule } from '../../../../src/compile/link/host-module.js';
import * as L from '../../../support/layout.js';

// The part of V8's API that is used here: the project's types have no DOM.
type Exports = Record<string, unknown>;
type Imports = Record<string, unknown>;
declare const WebAssembly: {
  Global: new (type: { value: 'i64' }, value: bigint) => unknown;
  Module: new (bytes: Uint8Array) => unknown;
  Instance: new (module: unknown, imports: Record<string, Imports>) => { exports: Exports };
};

export const IMAGE = 0x10000000;
const DATA = 0x10000; // image offset of the runtime block
const PAGE = 65536;

export class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit_group(${code})`);
  }
}
/** Thrown by native.unwind, caught by native.invoke: as far as host code sees it does not return. */
class Unwind extends Error {}

export interface Mapping {
  readonly address: number;
  readonly size: number;
  readonly protection: number;
  readonly flags: number;
  readonly fd: number;
  readonly offset: number;
}

type HostFunction = (...values: (number | bigint)[]) => number | bigint | undefined;

export class FakeProcess {
  readonly runtime = IMAGE + DATA;
  readonly mappings: Mapping[] = [];
  readonly protections: { address: number; size: number; protection: number }[] = [];
  readonly calls: { name: string; args: number[] }[] = [];
  readonly output: number[][] = [[], [], []];
  input: Uint8Array[] = [];
  /** Overrides of system calls by name; undefined falls through to the model. */
  readonly overrides: Record<string, (args: number[]) => number | undefined> = {};
  /** What a guest function does: record and address of the values. */
  invoke: (record: number, values: number) => void = () => {};
  /** What C code does: the function's address and two arguments. */
  callC: (address: number, a: number, b: number) => void = () => {
    throw new Error('there is no C code here');
  };
  /** After the host layer has written a word of the process's memory: what another process could see now. */
  onStore: (address: number, value: number) => void = () => {};
  /** CPU_* of the CPU. */
  cpuFeatures = 0;
  resumed: number[] = [];
  private readonly pages = new Map<number, DataView>();
  private nextMapping = 0x7f0000000000;
  private nextData = DATA + L.RUNTIME_BLOCK_SIZE;
  private readonly relocations: number[] = [];
  private hostMemory = -1; // native address, -1 before reload
  private readonly instance: { exports: Exports };
  private readonly names = new Map<number, string>();

  constructor() {
    for (const [name, value] of Object.entries(hostConstants)) {
      if (name.startsWith('SYS_')) this.names.set(value, name.slice(4));
    }
    const target: Imports = {};
    for (const [name, value] of Object.entries(hostConstants)) {
      target[name] = new WebAssembly.Global({ value: 'i64' }, BigInt(value));
    }
    const module = new WebAssembly.Module(loadHostModule());
    this.instance = new WebAssembly.Instance(module, { native: this.intrinsics(), target });
    this.set64(this.runtime + L.RT_IMAGE_BASE, IMAGE);
  }

  /** Calls an export of the host layer. */
  call(name: string, ...values: (number | bigint)[]): number | bigint | undefined {
    return (this.instance.exports[name] as HostFunction)(...values);
  }

  // -- address space

  get8(address: number): number {
    return this.view(address).getUint8(this.at(address));
  }
  get32(address: number): number {
    let value = 0;
    for (let i = 3; i >= 0; i--) value = value * 256 + this.get8(address + i);
    return value;
  }
  get64(address: number): number {
    return Number(this.get(address, 8));
  }
  set8(address: number, value: number): void {
    this.view(address).setUint8(this.at(address), value);
  }
  set32(address: number, value: number): void {
    this.put(address, 4, BigInt(value));
  }
  set64(address: number, value: number | bigint): void {
    this.put(address, 8, BigInt(value));
  }
  bytes(address: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.get8(address + i));
  }
  setBytes(address: number, bytes: ArrayLike<number>): void {
    for (let i = 0; i < bytes.length; i++) this.set8(address + i, bytes[i]);
  }
  rt32(offset: number): number {
    return this.get32(this.runtime + offset);
  }
  rt64(offset: number): number {
    return this.get64(this.runtime + offset);
  }

  // -- the image's data: what the linker would have placed

  /** Places words in DATA and returns the image offset. A pointer({offset}) is relocated by boot. */
  place(...words: (number | bigint | { pointer: number })[]): number {
    const start = this.nextData;
    for (const word of words) {
      if (typeof word === 'object') {
        this.set64(IMAGE + this.nextData, word.pointer);
        if (word.pointer !== 0) this.relocations.push(this.nextData);
      } else this.set64(IMAGE + this.nextData, word);
      this.nextData += 8;
    }
    return start;
  }

  /** Places bytes and returns their image offset. */
  placeBytes(bytes: ArrayLike<number>): number {
    const start = this.nextData;
    this.setBytes(IMAGE + start, bytes);
    this.nextData += (bytes.length + 7) & ~7;
    return start;
  }

  /** Stores a field of the runtime block that is a pointer. */
  setPointer(field: number, imageOffset: number): void {
    this.set64(this.runtime + field, imageOffset);
    this.relocations.push(DATA + field);
  }

  /** Writes the base relocations: after everything is placed. */
  finish(): void {
    const list = this.nextData;
    this.relocations.forEach((offset, index) => {
      this.set32(IMAGE + list + index * 4, offset);
    });
    this.set64(this.runtime + L.RT_BASE_RELOCS, list);
    this.set64(this.runtime + L.RT_BASE_RELOC_COUNT, this.relocations.length);
  }

  text(fd: number): string {
    return String.fromCharCode(...this.output[fd]);
  }

  private put(address: number, size: number, value: bigint): void {
    for (let i = 0; i < size; i++) this.set8(address + i, Number((value >> BigInt(8 * i)) & 255n));
  }

  private get(address: number, size: number): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.get8(address + i));
    return value;
  }

  private inHost(address: number): boolean {
    return (
      this.hostMemory >= 0 && address >= this.hostMemory && address < this.hostMemory + this.hostBytes().byteLength
    );
  }

  private hostBytes(): ArrayBuffer {
    return (this.instance.exports['memory'] as { buffer: ArrayBuffer }).buffer;
  }

  private at(address: number): number {
    return this.inHost(address) ? address - this.hostMemory : address % PAGE;
  }

  private view(address: number): DataView {
    if (this.inHost(address)) return new DataView(this.hostBytes());
    const page = Math.floor(address / PAGE);
    let view = this.pages.get(page);
    if (view === undefined) {
      if (address < PAGE) throw new Error(`access to 0x${address.toString(16)}`);
      view = new DataView(new ArrayBuffer(PAGE));
      this.pages.set(page, view);
    }
    return view;
  }

  private intrinsics(): Imports {
    const syscall = (nr: bigint, ...args: bigint[]) => BigInt(this.syscall(Number(nr), args.map(Number)));
    return {
      syscall,
      blocking_syscall: syscall,
      call_c: (address: bigint, a: bigint, b: bigint) => {
        this.callC(Number(address), Number(a), Number(b));
        return 0n;
      },
      load8_u: (address: bigint) => this.get8(Number(address)),
      load16_u: (address: bigint) => Number(this.get(Number(address), 2)),
      load32_u: (address: bigint) => this.get32(Number(address)),
      load64: (address: bigint) => this.get(Number(address), 8),
      store8: (address: bigint, value: number) => this.put(Number(address), 1, BigInt(value)),
      store16: (address: bigint, value: number) => this.put(Number(address), 2, BigInt(value)),
      store32: (address: bigint, value: number) => {
        this.put(Number(address), 4, BigInt(value));
        this.onStore(Number(address), value);
      },
      store64: (address: bigint, value: bigint) => {
        this.put(Number(address), 8, value);
        this.onStore(Number(address), Number(value));
      },
      copy: (to: bigint, from: bigint, count: bigint) => {
        for (let i = 0; i < Number(count); i++) this.set8(Number(to) + i, this.get8(Number(from) + i));
      },
      fill: (to: bigint, byte: number, count: bigint) => {
        for (let i = 0; i < Number(count); i++) this.set8(Number(to) + i, byte);
      },
      cpu_features: () => BigInt(this.cpuFeatures),
      runtime: () => BigInt(this.runtime),
      memoryBase: () => BigInt(this.hostMemory),
      reload: () => {
        this.hostMemory = this.get64(this.get64(this.runtime + L.RT_HOST_INSTANCE) + L.INST_MEMORY_BASE);
      },
      invoke: (record: bigint, values: bigint) => this.run(() => this.invoke(Number(record), Number(values))),
      resume: (context: bigint) => this.run(() => this.resumed.push(Number(context))),
      land: () => {
        throw new Error('nothing is thrown here');
      },
      unwind: () => {
        throw new Unwind();
      },
    };
  }

  private run(guest: () => void): void {
    try {
      guest();
    } catch (error) {
      if (!(error instanceof Unwind)) throw error;
    }
  }

  private syscall(nr: number, args: number[]): number {
    const name = this.names.get(nr) ?? `#${nr}`;
    this.calls.push({ name, args });
    const result = this.overrides[name]?.(args);
    return result ?? this.model(name, args);
  }

  private model(name: string, args: number[]): number {
    switch (name) {
      case 'mmap': {
        const [address, size, protection, flags, fd, offset] = args;
        let base = address;
        if ((flags & 0x10) === 0) {
          base = this.nextMapping;
          this.nextMapping += Math.ceil(size / PAGE) * PAGE + PAGE;
        }
        this.mappings.push({ address: base, size, protection, flags, fd, offset });
        return base;
      }
      case 'mprotect':
        this.protections.push({ address: args[0], size: args[1], protection: args[2] });
        return 0;
      case 'write':
        this.output[args[0]].push(...this.bytes(args[1], args[2]));
        return args[2];
      case 'read': {
        const bytes = this.input.shift() ?? new Uint8Array(0);
        this.setBytes(args[1], bytes);
        return bytes.length;
      }
      case 'exit_group':
        throw new Exit(args[0]);
      case 'openat':
        return 3;
      case 'fcntl':
        return 1000;
      default:
        return 0;
    }
  }
}
