/**
 * A call of one exported function of an image (`invoke`, `run --invoke`). Needs no compiler: the image says where the
 * function is, the module says its type.
 */

import { InputError, UsageError } from '../base/errors.js';
import {
  CALL_ARGUMENT_CELLS,
  CALL_HEADER,
  CALL_INITIALIZE,
  CALL_RECORD,
  CALL_RESULT_CELLS,
  CALL_RESULTS,
} from '../image/contract/call.js';
import { RT_TAKES_CALLS } from '../image/contract/runtime-block.js';
import { type ImageDescription, readImage } from '../image/reader.js';
import { decodeModule } from '../wasm/decode.js';
import { type Entry, entryFunction } from '../wasm/entry.js';
import { ExternKind, type FuncType, type Module, type ValType } from '../wasm/module.js';
import { exactOf, isDefaultable, isRefType } from '../wasm/ref-types.js';
import { formatFuncType } from '../wasm/text.js';
import { driverCommands } from './driver-commands.js';
import { argumentCells } from './embedder/values.js';
import { type CallMessage, countCells } from './invocation.js';
import { cellsOf, parseValue } from './values.js';

/** The arguments of a call, as text or as values. */
export interface Arguments {
  readonly count: number;
  /** Encodes them in cells of 64 bits; a v128 takes two. @throws UsageError when one does not match its type */
  encode(params: Uint8Array): bigint[]; // of ValType
}

/**
 * @param path of the image
 * @param module its main module
 * @param name the name of the function's export
 * @throws InputError, UsageError
 */
export function prepareCall(path: string, module: Module, name: string, args: Arguments): CallMessage {
  const found = module.exports.find((e) => e.name === name && e.kind === ExternKind.Func);
  if (found === undefined) {
    const names = module.exports.filter((e) => e.kind === ExternKind.Func).map((e) => e.name);
    throw new InputError(
      'no-export',
      `there is no exported function ${name || '""'}; there are: ${names.map((each) => each || '""').join(', ') || 'none'}`,
    );
  }
  const type = module.types[module.funcTypes[found.index]];
  const cells = encodeArguments(name, type, module, args);
  const results = type.results;
  const entry = entryFunction(module, true);
  const initialize = entry?.name === '_initialize' && entry.index !== found.index ? entry : undefined;
  const image = readImage(path);
  try {
    const instance = image.identity.instances.length - 1;
    const record = recordOf(image, instance, found.index, name);
    if (takesCalls(image)) {
      const message = encodeCall(record, initialize !== undefined, results, cells);
      return { message, results, kinds: 1, variable: 'WAGSNAP_INVOKE' };
    }
    const before = initializers(image, initialize);
    const resultCells = countCells(results);
    const commands = driverCommands({ instance, record, initialize: before, cells, resultCells });
    return { ...commands, results, variable: 'WAGSNAP_DRIVER' };
  } finally {
    image.close();
  }
}

/** Images of earlier versions take no calls. */
function takesCalls(image: ImageDescription): boolean {
  const at = image.outline.data.imageOffset + RT_TAKES_CALLS;
  return Buffer.from(image.loadedBytes(at, 4)).readUInt32LE(0) === 1;
}

/** Encodes a call as image/contract/call.ts CALL_* describes it. */
function encodeCall(record: number, initialize: boolean, results: Uint8Array, cells: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(CALL_HEADER + (results.length + cells.length) * 8);
  const word = (at: number, value: number | bigint) => bytes.writeBigUInt64LE(BigInt(value), at);
  word(CALL_RECORD, record);
  word(CALL_INITIALIZE, Number(initialize));
  word(CALL_RESULTS, results.length);
  word(CALL_RESULT_CELLS, countCells(results));
  word(CALL_ARGUMENT_CELLS, cells.length);
  for (const [i, value] of [...results, ...cells].entries()) word(CALL_HEADER + i * 8, value);
  return bytes;
}

/** Records of what runs before, of the instances in their order. */
function initializers(image: ImageDescription, own: Entry | undefined): number[] {
  const records = linkedModules(image).flatMap((linked, i) => {
    const entry = entryFunction(linked, false);
    return entry === undefined ? [] : [recordOf(image, i + 1, entry.index, entry.name)];
  });
  const main = image.identity.instances.length - 1;
  return own === undefined ? records : [...records, recordOf(image, main, own.index, own.name)];
}

/** The modules that the main module is linked to. Their instances follow the host layer's. */
function linkedModules(image: ImageDescription): Module[] {
  const { modules } = image.identity;
  return modules.slice(1, -1).map(({ name }, i) => {
    const bytes = image.moduleBytes(i + 1);
    if (bytes !== undefined) return decodeModule(bytes, name);
    throw new InputError('no-module', `the image does not carry the module ${name}`);
  });
}

/** Image offset of the function record of an instance's function. */
function recordOf({ identity }: ImageDescription, instance: number, funcIndex: number, name: string): number {
  const { instances } = identity;
  let index = funcIndex;
  const { functions } = instances[instance];
  if (index < functions.imported) [instance, index] = functions.links.subarray(index * 2, index * 2 + 2);
  const record = instances[instance].functions.records[index];
  if (record < 0) throw new InputError('no-export', `the image cannot call ${name}`);
  return instances[instance].start + record;
}

function encodeArguments(name: string, type: FuncType, { refTypes }: Module, args: Arguments): bigint[] {
  const { params } = type;
  if (args.count !== params.length) {
    throw new UsageError(`${name}${formatFuncType(type)} takes ${params.length} arguments, not ${args.count}`);
  }
  const exact = Array.from(exactOf(type).params);
  const wanted = exact.findIndex((param) => isRefType(param) && !isDefaultable(refTypes, param));
  if (wanted < 0) return args.encode(params);
  throw new UsageError(
    `${name}${formatFuncType(type)}: argument ${wanted + 1} cannot be null, and no other can be given`,
  );
}

/** Arguments of the command line. */
export function textArguments(texts: readonly string[]): Arguments {
  const cells = (text: string, type: ValType) => {
    const bits = parseValue(text, type);
    return cellsOf(type) === 2 ? [BigInt.asUintN(64, bits), bits >> 64n] : [bits];
  };
  return { count: texts.length, encode: (params) => texts.flatMap((text, i) => cells(text, params[i])) };
}

/** Arguments of a program: JavaScript values, as the embedder's functions take them. */
export function valueArguments(values: readonly unknown[]): Arguments {
  return { count: values.length, encode: (params) => argumentCells(params, values) };
}
