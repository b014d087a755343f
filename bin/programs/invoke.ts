/**
 * `run --invoke`: calls one exported function of an image through the driver (runtime/process/driver.ts), which talks
 * over two pipes, so that the guest keeps its standard streams.
 *
 * Knows no compiler: what to call is read from the image. Needs wasm/module.ts for the value types.
 */

import type { Readable, Writable } from 'node:stream';
import { ExitCode, InputError } from '../../src/base/errors.js';
import type { ImageDescription } from '../../src/image/reader.js';
import { entryFunction } from '../../src/wasm/entry.js';
import { ExternKind, type FuncType, type Module } from '../../src/wasm/module.js';
import { formatFuncType } from '../../src/wasm/text.js';
import { UsageError } from '../options/usage.js';
import { cellsOf, formatValue, parseValue } from '../options/values.js';
import { runWorkload, type WorkloadOptions } from './workload.js';

const COMMAND_INSTANTIATE = 1;
const COMMAND_INVOKE = 2;
const COMMAND_QUIT = 4;
const DRIVER_FD = 3;

/** The words of the specification's test suite, by TRAP_* (image/contract/traps.ts). */
export const TRAP_MESSAGES: readonly string[] = [
  'no trap',
  'unreachable',
  'out of bounds memory access',
  'integer divide by zero',
  'integer overflow',
  'invalid conversion to integer',
  'out of bounds table access',
  'undefined element',
  'uninitialized element',
  'indirect call type mismatch',
  'call stack exhausted',
  'call of a missing import',
  'fatal signal',
  'uncaught exception',
  'unaligned atomic',
  'expected shared memory',
  'null reference',
  'no memory for another exception',
];

/** What to call: where the driver finds it, and its type. */
export interface InvokeTarget {
  readonly instance: number;
  /** Image offset of its function record. */
  readonly record: number;
  readonly type: FuncType;
  /**
   * The same of the reactor's _initialize, which has to run before (WASI application ABI); undefined: there is none.
   */
  readonly initialize: number | undefined;
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
  const entry = entryFunction(module, true);
  const isReactor = entry !== undefined && entry.name === '_initialize' && entry.index !== found.index;
  return {
    instance,
    record: recordOf(image, found.index, name),
    type: module.types[module.funcTypes[found.index]],
    initialize: isReactor ? recordOf(image, entry.index, entry.name) : undefined,
  };
}

/** Image offset of the record of a function of the last instance. */
function recordOf({ identity }: ImageDescription, funcIndex: number, name: string): number {
  const { instances } = identity;
  let instance = instances.length - 1;
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

/**
 * Starts the image, calls the function and prints its results, one a line. Sets our exit code, as runWorkload does.
 *
 * @param onStart called with its pid
 */
export async function invoke(
  path: string,
  target: InvokeTarget,
  values: readonly bigint[],
  options: WorkloadOptions,
  onStart: (pid: number) => void,
): Promise<void> {
  const env = { ...options.env, WAGSNAP_DRIVER: String(DRIVER_FD) };
  let reply: Promise<Buffer[]> | undefined;
  await runWorkload(path, { ...options, env, descriptors: ['pipe', 'pipe'] }, (pid, _, child) => {
    const [, , , commands, replies] = child.stdio as unknown as [null, null, null, Writable, Readable];
    commands.on('error', () => {}); // the process has ended: its exit code says why
    reply = replies.toArray();
    for (let instance = 1; instance <= target.instance; instance++) {
      commands.write(Buffer.of(COMMAND_INSTANTIATE, instance, instance >> 8, 0, 0));
    }
    if (target.initialize !== undefined) commands.write(encodeInvoke(target.initialize, []));
    const call = encodeInvoke(target.record, values, countCells(target.type.results));
    commands.end(Buffer.concat([call, Buffer.of(COMMAND_QUIT)]));
    onStart(pid);
  });
  printReply(target, Buffer.concat((await reply) ?? []));
}

/** Without all of the reply the process has ended on the way, and its exit code is ours. */
function printReply({ instance, type, initialize }: InvokeTarget, reply: Buffer): void {
  const at = instance + (initialize === undefined ? 1 : 2); // a byte for each instance and one for each call
  const trap = firstTrap(reply, at);
  if (trap !== 0) {
    process.stderr.write(`wag-snap: trap: ${TRAP_MESSAGES[trap] ?? trap}\n`);
    process.exitCode = ExitCode.trap;
    return;
  }
  if (reply.length !== at + countCells(type.results) * 8) return;
  let cell = at;
  for (const result of type.results) {
    const low = reply.readBigUInt64LE(cell);
    const bits = cellsOf(result) === 2 ? low | (reply.readBigUInt64LE(cell + 8) << 64n) : low;
    console.log(formatValue(result, bits));
    cell += cellsOf(result) * 8;
  }
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
