/**
 * A call of one exported function of an image (`run --invoke`), through the driver (runtime/process/driver.ts), which talks
 * over two pipes, so that the guest keeps its standard streams.
 *
 * Knows no compiler: what to call is read from the image. Needs wasm/module.ts for the value types.
 */

import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { InputError, UsageError } from '../base/errors.js';
import { TRAP_MESSAGES } from '../capture/trap.js';
import { TRAP_FATAL } from '../image/contract/traps.js';
import { type ImageDescription, readImage } from '../image/reader.js';
import { decodeModule } from '../wasm/decode.js';
import { entryFunction } from '../wasm/entry.js';
import { ExternKind, type FuncType, type Module, type ValType } from '../wasm/module.js';
import { formatFuncType } from '../wasm/text.js';
import { cellsOf, parseValue } from './values.js';

const COMMAND_INSTANTIATE = 1;
const COMMAND_INVOKE = 2;
const COMMAND_QUIT = 4;
const DRIVER_FD = 3;

/** By TRAP_*. */
const MESSAGES: Readonly<Record<number, string>> = { ...TRAP_MESSAGES, [TRAP_FATAL]: 'fatal signal' };

/** What to call: where the driver finds it, and its type. */
export interface InvokeTarget {
  readonly instance: number;
  /** Image offset of its function record. */
  readonly record: number;
  readonly type: FuncType;
  /** The same of the _initialize of each reactor, which have to run before (WASI application ABI). */
  readonly initialize: readonly number[];
}

/** Finds an exported function of the last instance of an image. */
export function findInvokeTarget(image: ImageDescription, module: Module, name: string): InvokeTarget {
  const found = module.exports.find((e) => e.name === name && e.kind === ExternKind.Func);
  if (found === undefined) {
    const names = module.exports.filter((e) => e.kind === ExternKind.Func).map((e) => e.name);
    throw new InputError(
      'no-export',
      `there is no exported function ${name || '""'}; there are: ${names.map((each) => each || '""').join(', ') || 'none'}`,
    );
  }
  const instance = image.identity.instances.length - 1;
  const initialize = linkedModules(image).flatMap((linked, i) => {
    const entry = entryFunction(linked, false);
    return entry === undefined ? [] : [recordOf(image, i + 1, entry.index, entry.name)];
  });
  const entry = entryFunction(module, true);
  if (entry?.name === '_initialize' && entry.index !== found.index) {
    initialize.push(recordOf(image, instance, entry.index, entry.name));
  }
  return {
    instance,
    record: recordOf(image, instance, found.index, name),
    type: module.types[module.funcTypes[found.index]],
    initialize,
  };
}

/** Those that the main module is linked to, whose instances come after the host layer's. */
function linkedModules(image: ImageDescription): Module[] {
  const { modules } = image.identity;
  return modules.slice(1, -1).map(({ name }, i) => {
    const bytes = image.moduleBytes(i + 1);
    if (bytes !== undefined) return decodeModule(bytes, name);
    throw new InputError('no-module', `the image does not carry the module ${name}`);
  });
}

/** Image offset of the record of an instance's function. */
function recordOf({ identity }: ImageDescription, instance: number, funcIndex: number, name: string): number {
  const { instances } = identity;
  let index = funcIndex;
  const { functions } = instances[instance];
  if (index < functions.imported) [instance, index] = functions.links.subarray(index * 2, index * 2 + 2);
  const record = instances[instance].functions.records[index];
  if (record < 0) throw new InputError('no-export', `the image cannot call ${name}`);
  return instances[instance].start + record;
}

/** Arguments as the driver wants them: in cells of 64 bits. */
export function parseArguments(name: string, type: FuncType, args: readonly string[]): bigint[] {
  if (args.length !== type.params.length) {
    throw new UsageError(`${name}${formatFuncType(type)} takes ${type.params.length} arguments, not ${args.length}`);
  }
  return args.flatMap((text, i) => {
    const bits = parseValue(text, type.params[i]);
    return cellsOf(type.params[i]) === 2 ? [BigInt.asUintN(64, bits), bits >> 64n] : [bits];
  });
}

/** What a call has come to. */
export type InvokeReply =
  | { readonly kind: 'results'; readonly results: readonly InvokeResult[] }
  /** In the words of the specification's test suite. */
  | { readonly kind: 'trap'; readonly message: string }
  /** The process has ended on the way: its exit code says why. */
  | { readonly kind: 'ended' };

export interface InvokeResult {
  readonly type: ValType;
  /** Raw bits, 128 of a v128. */
  readonly bits: bigint;
}

/**
 * The call of an exported function of an image. @param name the function's. @param args as texts
 *
 * @throws InputError, UsageError
 */
export function prepareInvocation(path: string, module: Module, name: string, args: readonly string[]): Invocation {
  const image = readImage(path);
  try {
    const target = findInvokeTarget(image, module, name);
    return new Invocation(target, parseArguments(name, target.type, args));
  } finally {
    image.close();
  }
}

/** One call, for which a process is started with the driver instead of its entry. */
export class Invocation {
  /** By which the image is told. */
  readonly env = { WAGSNAP_DRIVER: String(DRIVER_FD) } as const;
  /** Descriptors that the process gets after the standard streams. */
  readonly descriptors = ['pipe', 'pipe'] as const;
  private replies: Promise<Buffer[]> | undefined;

  /** @param values in cells: parseArguments */
  constructor(
    private readonly target: InvokeTarget,
    private readonly values: readonly bigint[],
  ) {}

  /** The process has started. */
  start(child: ChildProcess): void {
    const { target, values } = this;
    const [, , , commands, replies] = child.stdio as unknown as [null, null, null, Writable, Readable];
    commands.on('error', () => {}); // the process has ended: its exit code says why
    this.replies = replies.toArray();
    for (let instance = 1; instance <= target.instance; instance++) {
      commands.write(Buffer.of(COMMAND_INSTANTIATE, instance, instance >> 8, 0, 0));
    }
    for (const record of target.initialize) commands.write(encodeInvoke(record, []));
    const call = encodeInvoke(target.record, values, countCells(target.type.results));
    commands.end(Buffer.concat([call, Buffer.of(COMMAND_QUIT)]));
  }

  /** Resolves once the process has closed its end. */
  async reply(): Promise<InvokeReply> {
    return decodeReply(this.target, Buffer.concat((await this.replies) ?? []));
  }
}

function decodeReply({ instance, type, initialize }: InvokeTarget, reply: Buffer): InvokeReply {
  const at = instance + initialize.length + 1; // a byte for each instance and one for each call
  const trap = firstTrap(reply, at);
  if (trap !== 0) return { kind: 'trap', message: MESSAGES[trap] ?? String(trap) };
  if (reply.length !== at + countCells(type.results) * 8) return { kind: 'ended' };
  let cell = at;
  const results = Array.from(type.results, (result: ValType) => {
    const low = reply.readBigUInt64LE(cell);
    const bits = cellsOf(result) === 2 ? low | (reply.readBigUInt64LE(cell + 8) << 64n) : low;
    cell += cellsOf(result) * 8;
    return { type: result, bits };
  });
  return { kind: 'results', results };
}

function encodeInvoke(record: number, values: readonly bigint[], resultCells = 0): Buffer {
  const bytes = Buffer.alloc(13 + values.length * 8);
  bytes.writeUInt8(COMMAND_INVOKE, 0);
  bytes.writeUInt32LE(record, 1);
  bytes.writeUInt32LE(values.length, 5);
  values.forEach((value, i) => {
    bytes.writeBigUInt64LE(value, 9 + i * 8);
  });
  bytes.writeUInt32LE(resultCells, 9 + values.length * 8);
  return bytes;
}

function countCells(types: Uint8Array): number {
  return types.reduce((sum, type) => sum + cellsOf(type), 0);
}

/** The first of the replies' trap kinds that is not 0. */
function firstTrap(reply: Buffer, count: number): number {
  return reply.subarray(0, count).find((kind) => kind !== 0) ?? 0;
}
