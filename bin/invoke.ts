/**
 * `run --invoke`: calls one exported function of an image through the driver (runtime/process/driver.ts), which talks over
 * two pipes, so that the guest keeps its standard streams.
 *
 * Knows no compiler: what to call is read from the image. Needs wasm/module.ts for the value types.
 */

import type { Readable, Writable } from 'node:stream';
import type { ImageDescription } from '../src/compile/metadata/image-reader.js';
import { ExternKind, type FuncType, type Module, ValType } from '../src/compile/wasm/module.js';
import { formatFuncType, valTypeName } from '../src/compile/wasm/text.js';
import { ExitCode, InputError } from '../src/errors.js';
import { UsageError } from './usage.js';
import { runWorkload, type WorkloadOptions } from './workload.js';

const COMMAND_INSTANTIATE = 1;
const COMMAND_INVOKE = 2;
const COMMAND_QUIT = 4;
const DRIVER_FD = 3;

/** The words of the specification's test suite, by TRAP_* (runtime/layout.ts). */
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
];

/** What to call: where the driver finds it, and its type. */
export interface InvokeTarget {
  readonly instance: number;
  /** Image offset of its function record. */
  readonly record: number;
  readonly type: FuncType;
}

/** Finds an exported function of the last instance of an image. */
export function findInvokeTarget(image: ImageDescription, module: Module, name: string): InvokeTarget {
  const found = module.exports.find((e) => e.name === name && e.kind === ExternKind.Func);
  if (found === undefined) {
    const names = module.exports.filter((e) => e.kind === ExternKind.Func).map((e) => e.name);
    throw new InputError(
      'no-export',
      `there is no exported function ${name}; there are: ${names.join(', ') || 'none'}`,
    );
  }
  const { instances } = image.identity;
  let instance = instances.length - 1;
  let { index } = found;
  const { functions } = instances[instance];
  if (index < functions.imported) [instance, index] = functions.links.subarray(index * 2, index * 2 + 2);
  const record = instances[instance].functions.records[index];
  if (record < 0) throw new InputError('no-export', `the image cannot call ${name}`);
  return { instance, record: instances[instance].start + record, type: module.types[module.funcTypes[found.index]] };
}

/** Arguments as the driver wants them. */
export function parseArguments(name: string, type: FuncType, args: readonly string[]): bigint[] {
  if (args.length !== type.params.length) {
    throw new UsageError(`${name}${formatFuncType(type)} takes ${type.params.length} arguments, not ${args.length}`);
  }
  return args.map((text, i) => parseValue(text, type.params[i]));
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
    commands.end(Buffer.concat([encodeInvoke(target, values), Buffer.of(COMMAND_QUIT)]));
    onStart(pid);
  });
  printReply(target, Buffer.concat((await reply) ?? []));
}

/** Without all of the reply the process has ended on the way, and its exit code is ours. */
function printReply({ instance, type }: InvokeTarget, reply: Buffer): void {
  const at = instance + 1; // a byte for each instance and one for the call
  const trap = firstTrap(reply, at);
  if (trap !== 0) {
    process.stderr.write(`wag-snap: trap: ${TRAP_MESSAGES[trap] ?? trap}\n`);
    process.exitCode = ExitCode.trap;
    return;
  }
  if (reply.length !== at + type.results.length * 8) return;
  type.results.forEach((result, i) => {
    console.log(formatValue(result, reply.readBigUInt64LE(at + i * 8)));
  });
}

function encodeInvoke(target: InvokeTarget, values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(13 + values.length * 8);
  bytes.writeUInt8(COMMAND_INVOKE, 0);
  bytes.writeUInt32LE(target.record, 1);
  bytes.writeUInt32LE(values.length, 5);
  values.forEach((value, i) => {
    bytes.writeBigUInt64LE(value, 9 + i * 8);
  });
  bytes.writeUInt32LE(target.type.results.length, 9 + values.length * 8);
  return bytes;
}

/** The first of the replies' trap kinds that is not 0. */
function firstTrap(reply: Buffer, count: number): number {
  return reply.subarray(0, count).find((kind) => kind !== 0) ?? 0;
}

/** Raw bits of a number: decimal or 0x…, `inf` and `nan` for floats, `null` for references. */
export function parseValue(text: string, type: ValType): bigint {
  const wrong = () => new UsageError(`${JSON.stringify(text)} is not a value of type ${valTypeName(type)}`);
  const view = new DataView(new ArrayBuffer(8));
  switch (type) {
    case ValType.I32:
    case ValType.I64: {
      const bits = type === ValType.I32 ? 32 : 64;
      const match = /^([+-]?)(\d+|0x[0-9a-f]+)$/i.exec(text.replaceAll('_', ''));
      if (match === null) throw wrong();
      const value = match[1] === '-' ? -BigInt(match[2]) : BigInt(match[2]);
      if (value < -(1n << BigInt(bits - 1)) || value >= 1n << BigInt(bits)) throw wrong();
      return BigInt.asUintN(bits, value);
    }
    case ValType.F32:
    case ValType.F64: {
      const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
      const magnitude = word && (word[2].toLowerCase() === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY);
      const value = word
        ? word[1] === '-'
          ? -magnitude!
          : magnitude!
        : text.trim() === ''
          ? Number.NaN
          : Number(text);
      if (Number.isNaN(value) && !word) throw wrong();
      if (type === ValType.F32) view.setFloat32(0, value, true);
      else view.setFloat64(0, value, true);
      return view.getBigUint64(0, true);
    }
    default:
      if (text !== 'null') throw wrong();
      return 0n;
  }
}

export function formatValue(type: ValType, bits: bigint): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits, true);
  switch (type) {
    case ValType.I32:
      return String(view.getInt32(0, true));
    case ValType.I64:
      return String(view.getBigInt64(0, true));
    case ValType.F32:
      return formatFloat(view.getFloat32(0, true), true);
    case ValType.F64:
      return formatFloat(view.getFloat64(0, true), false);
    default:
      return bits === 0n ? 'null' : valTypeName(type);
  }
}

/** The shortest decimal that reads back as the same number. */
function formatFloat(value: number, single: boolean): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0';
  if (!single) return String(value);
  for (let digits = 1; digits <= 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(value);
}
