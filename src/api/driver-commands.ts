/**
 * A call as commands of the driver (runtime/process/driver.ts), for images of versions that could not take calls
 * (RT_TAKES_CALLS). A process that executes such a call cannot be captured.
 */

const COMMAND_INSTANTIATE = 1;
const COMMAND_INVOKE = 2;
const COMMAND_QUIT = 4;

/** A call, with the offsets that the driver needs. */
export interface DriverCall {
  /** Index in the main module. */
  readonly instance: number;
  /** Image offset of the function's record. */
  readonly record: number;
  /** The same for the _initialize of each reactor, which must run first (WASI application ABI). */
  readonly initialize: readonly number[];
  /** The cells of the arguments. */
  readonly cells: readonly bigint[];
  /** The number of cells of the results. */
  readonly resultCells: number;
}

/** The commands, and how many bytes of trap kinds precede the results in the reply. */
export function driverCommands(call: DriverCall): { message: Buffer; kinds: number } {
  const { instance, record, initialize, cells, resultCells } = call;
  const instances = Array.from({ length: instance }, (_, i) =>
    Buffer.of(COMMAND_INSTANTIATE, i + 1, (i + 1) >> 8, 0, 0),
  );
  const before = initialize.map((entry) => encodeInvoke(entry, [], 0));
  const message = [...instances, ...before, encodeInvoke(record, cells, resultCells), Buffer.of(COMMAND_QUIT)];
  return { message: Buffer.concat(message), kinds: instance + initialize.length + 1 };
}

function encodeInvoke(record: number, cells: readonly bigint[], resultCells: number): Buffer {
  const bytes = Buffer.alloc(13 + cells.length * 8);
  bytes.writeUInt8(COMMAND_INVOKE, 0);
  bytes.writeUInt32LE(record, 1);
  bytes.writeUInt32LE(cells.length, 5);
  cells.forEach((value, i) => {
    bytes.writeBigUInt64LE(value, 9 + i * 8);
  });
  bytes.writeUInt32LE(resultCells, 9 + cells.length * 8);
  return bytes;
}
