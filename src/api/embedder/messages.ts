/**
 * The embedder's side of the messages between a process and its embedder (image/contract/embedder.ts MSG_*). The
 * process is untrusted: whatever it sends becomes a valid message or an InputError 'embedder-protocol'.
 */

import { InputError } from '../../base/errors.js';
import {
  EI_COUNT,
  EI_MODULE_LENGTH,
  EI_NAME_LENGTH,
  EI_PARAMS,
  EI_RESULTS,
  EI_ROW_SIZE,
  EI_ROWS,
  EI_SIZE,
  EI_TEXT,
  EI_TYPE,
  EMBEDDER_PROTOCOL,
  EMBEDDER_TABLE_MAX,
  HELLO_PENDING,
  HELLO_RESUMED,
  MAX_CELLS,
  MEMORY_PIECE,
  MSG_BODY,
  MSG_BYTES,
  MSG_CALL,
  MSG_FAULT,
  MSG_HELLO,
  MSG_KIND,
  MSG_LEAVE,
  MSG_LENGTH,
  MSG_READ,
  MSG_REFUSE,
  MSG_REPLY,
  MSG_SIZE,
  MSG_SIZE_IS,
  MSG_TRAP,
  MSG_WELCOME,
  MSG_WRITE,
  MSG_WRITTEN,
  SESSION_SIZE,
  TRAP_TEXT_MAX,
} from '../../image/contract/embedder.js';
import type { ImportType } from './import-object.js';
import { typeName } from './values.js';

export interface Message {
  readonly kind: number;
  readonly body: Buffer;
}

/** An import, from the process's table. */
export interface ImportRow {
  readonly module: string;
  readonly name: string;
  readonly params: readonly ImportType[];
  readonly results: readonly ImportType[];
}

export interface Hello {
  readonly session: string;
  readonly resumed: boolean;
  readonly pending: boolean;
  /** The number of its last call. */
  readonly last: number;
  readonly rows: readonly ImportRow[];
}

const HELLO_HEAD = 32;
const HELLO_MAX = HELLO_HEAD + EMBEDDER_TABLE_MAX;
/** The greatest length of each kind of message, in bytes. */
const LONGEST: Readonly<Record<number, number>> = {
  [MSG_HELLO]: HELLO_MAX,
  [MSG_CALL]: 16 + 8 * MAX_CELLS,
  [MSG_BYTES]: MEMORY_PIECE,
  [MSG_SIZE_IS]: 8,
  [MSG_WRITTEN]: 0,
  [MSG_FAULT]: 4,
  [MSG_LEAVE]: 16,
};

export function protocolError(what: string): InputError {
  return new InputError('embedder-protocol', `the process has sent its embedder ${what}`);
}

/** Assembles messages from the pieces in which the stream arrives. */
export class MessageReader {
  private pieces: Buffer[] = [];
  private length = 0;

  /** @returns the messages that are complete. @throws InputError */
  push(chunk: Buffer): Message[] {
    this.pieces.push(chunk);
    this.length += chunk.length;
    const messages: Message[] = [];
    for (let message = this.next(); message !== undefined; message = this.next()) messages.push(message);
    return messages;
  }

  private next(): Message | undefined {
    if (this.length < MSG_BODY) return undefined;
    if (this.pieces[0].length < MSG_BODY) this.join();
    const kind = this.pieces[0].readUInt32LE(MSG_KIND);
    const length = this.pieces[0].readUInt32LE(MSG_LENGTH);
    const longest = LONGEST[kind];
    if (longest === undefined) throw protocolError(`a message of kind ${kind}, which does not exist`);
    if (length > longest) throw protocolError(`a message of ${length} bytes, of at most ${longest}`);
    const size = MSG_BODY + length;
    if (this.length < size) return undefined;
    if (this.pieces[0].length < size) this.join();
    const [first] = this.pieces;
    const body = first.subarray(MSG_BODY, size);
    this.pieces[0] = first.subarray(size);
    if (this.pieces[0].length === 0) this.pieces.shift();
    this.length -= size;
    return { kind, body };
  }

  private join(): void {
    this.pieces = [Buffer.concat(this.pieces)];
  }
}

/** @throws InputError */
export function decodeHello(body: Buffer): Hello {
  if (body.length < HELLO_HEAD + EI_ROWS) throw protocolError('a hello that is cut short');
  const version = body.readUInt32LE(0);
  if (version !== EMBEDDER_PROTOCOL) {
    throw protocolError(`a hello of protocol version ${version}, not ${EMBEDDER_PROTOCOL}`);
  }
  const flags = body.readUInt32LE(4);
  return {
    session: body.toString('hex', 8, 8 + SESSION_SIZE),
    resumed: (flags & HELLO_RESUMED) !== 0,
    pending: (flags & HELLO_PENDING) !== 0,
    last: callNumber(body, 24),
    rows: decodeTable(body.subarray(HELLO_HEAD)),
  };
}

/** @throws InputError */
export function callNumber(body: Buffer, at: number): number {
  const number = Number(body.readBigUInt64LE(at));
  if (!Number.isSafeInteger(number)) throw protocolError(`a call's number that cannot be: ${number}`);
  return number;
}

function decodeTable(table: Buffer): ImportRow[] {
  const cut = () => protocolError('a table of imports that does not fit together');
  const count = table.readUInt32LE(EI_COUNT);
  if (table.readUInt32LE(EI_SIZE) !== table.length || count > (table.length - EI_ROWS) / EI_ROW_SIZE) throw cut();
  const rows: ImportRow[] = [];
  let end = EI_ROWS + EI_ROW_SIZE * count;
  for (let i = 0; i < count; i++) {
    const at = table.readUInt32LE(EI_ROWS + EI_ROW_SIZE * i + EI_TYPE);
    if (at !== end || at + EI_TEXT > table.length) throw cut(); // rows follow each other, as the compiler writes them
    const lengths = [EI_MODULE_LENGTH, EI_NAME_LENGTH, EI_PARAMS, EI_RESULTS].map((field) =>
      table.readUInt16LE(at + field),
    );
    end = at + EI_TEXT;
    const [module, name, params, results] = lengths.map((length) => {
      end += length;
      return table.subarray(end - length, end);
    });
    if (end > table.length) throw cut();
    rows.push({
      module: module.toString(),
      name: name.toString(),
      params: decodeTypes(params),
      results: decodeTypes(results),
    });
  }
  return rows;
}

function decodeTypes(codes: Uint8Array): ImportType[] {
  return Array.from(codes, (code) => {
    const type = typeName(code);
    if (type === undefined) throw protocolError(`an import with a value of type ${code}, which does not exist`);
    return type;
  });
}

function message(kind: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(MSG_BODY + length);
  bytes.writeUInt32LE(kind, MSG_KIND);
  bytes.writeUInt32LE(length, MSG_LENGTH);
  return bytes;
}

export function welcome(session: string): Buffer {
  const bytes = message(MSG_WELCOME, 8 + SESSION_SIZE);
  bytes.writeUInt32LE(EMBEDDER_PROTOCOL, MSG_BODY);
  bytes.writeUInt32LE(0, MSG_BODY + 4);
  bytes.write(session, MSG_BODY + 8, 'hex');
  return bytes;
}

/** Tells the process to end silently: whoever started it says why. */
export function refusal(): Buffer {
  return message(MSG_REFUSE, 0);
}

/** @param fill writes the cells of the results */
export function reply(number: number, length: number, fill: (cells: Buffer) => void): Buffer {
  const bytes = message(MSG_REPLY, 8 + length);
  bytes.writeBigUInt64LE(BigInt(number), MSG_BODY);
  fill(bytes.subarray(MSG_BODY + 8));
  return bytes;
}

export function trapMessage(number: number, why: string): Buffer {
  const text = Buffer.from(why).subarray(0, TRAP_TEXT_MAX);
  const bytes = message(MSG_TRAP, 8 + text.length);
  bytes.writeBigUInt64LE(BigInt(number), MSG_BODY);
  bytes.set(text, MSG_BODY + 8);
  return bytes;
}

export function readRequest(memory: number, address: bigint, length: number): Buffer {
  const bytes = message(MSG_READ, 16);
  bytes.writeUInt32LE(memory, MSG_BODY);
  bytes.writeUInt32LE(length, MSG_BODY + 4);
  bytes.writeBigUInt64LE(address, MSG_BODY + 8);
  return bytes;
}

export function writeRequest(memory: number, address: bigint, data: Uint8Array): Buffer {
  const bytes = message(MSG_WRITE, 16 + data.length);
  bytes.writeUInt32LE(memory, MSG_BODY);
  bytes.writeUInt32LE(0, MSG_BODY + 4);
  bytes.writeBigUInt64LE(address, MSG_BODY + 8);
  bytes.set(data, MSG_BODY + 16);
  return bytes;
}

export function sizeRequest(memory: number): Buffer {
  const bytes = message(MSG_SIZE, 8);
  bytes.writeUInt32LE(memory, MSG_BODY);
  bytes.writeUInt32LE(0, MSG_BODY + 4);
  return bytes;
}
