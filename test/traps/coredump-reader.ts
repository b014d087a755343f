/**
 * Reads WebAssembly coredumps (tool-conventions, Coredump.md), from the format's description alone: shares no code with
 * the writer. Throws on anything that is not as described.
 */

export interface CoredumpFrame {
  readonly instance: number;
  readonly func: number;
  readonly offset: number;
  /** undefined: missing. i64 are bigint. */
  readonly locals: readonly CoredumpValue[];
  readonly stack: readonly CoredumpValue[];
}

export type CoredumpValue = number | bigint | undefined;

export interface Coredump {
  readonly name: string;
  readonly modules: readonly string[];
  readonly instances: readonly { module: number; memories: number[]; globals: number[] }[];
  readonly thread: string;
  readonly frames: readonly CoredumpFrame[];
  /** Pages of each memory. */
  readonly memories: readonly number[];
  readonly globals: readonly { type: number; value: CoredumpValue }[];
  readonly segments: readonly { memory: number; offset: number; bytes: Uint8Array }[];
}

class Cursor {
  at = 0;
  constructor(readonly bytes: Buffer) {}

  get ended(): boolean {
    return this.at === this.bytes.length;
  }
  byte(): number {
    return this.bytes.readUInt8(this.at++);
  }
  expect(value: number): void {
    const found = this.byte();
    if (found !== value) throw new Error(`${found} at ${this.at - 1}, not ${value}`);
  }
  u32(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  signed(bits: number): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        if (shift >= BigInt(bits)) throw new Error('too long a number');
        return BigInt.asIntN(bits, byte & 64 ? value - (1n << (shift + 7n)) : value);
      }
    }
  }
  take(length: number): Buffer {
    const part = this.bytes.subarray(this.at, (this.at += length));
    if (part.length !== length) throw new Error('cut off');
    return part;
  }
  name(): string {
    return this.take(this.u32()).toString();
  }
  list<T>(read: () => T): T[] {
    return Array.from({ length: this.u32() }, read);
  }
  number(type: number): CoredumpValue {
    switch (type) {
      case 0x7f:
        return Number(this.signed(32));
      case 0x7e:
        return this.signed(64);
      case 0x7d:
        return this.take(4).readFloatLE();
      case 0x7c:
        return this.take(8).readDoubleLE();
      default:
        throw new Error(`type ${type}`);
    }
  }
  value(): CoredumpValue {
    const type = this.byte();
    return type === 1 ? undefined : this.number(type);
  }
}

export function readCoredump(file: Buffer): Coredump {
  const cursor = new Cursor(file);
  if (cursor.take(8).toString('latin1') !== '\0asm\x01\0\0\0') throw new Error('no module');
  const customs = new Map<string, Cursor>();
  const sections = new Map<number, Cursor>();
  while (!cursor.ended) {
    const id = cursor.byte();
    const section = new Cursor(cursor.take(cursor.u32()));
    const key = id === 0 ? section.name() : id;
    const all: Map<string | number, Cursor> = id === 0 ? customs : sections;
    if (all.has(key)) throw new Error(`twice: ${key}`);
    all.set(key, section);
  }
  const custom = <T>(name: string, read: (section: Cursor) => T) => whole(customs.get(name), name, read);
  const section = <T>(id: number, read: (section: Cursor) => T) => whole(sections.get(id), `section ${id}`, read);
  const indexes = (s: Cursor) => s.list(() => s.u32());
  const stack = custom('corestack', (s) => {
    s.expect(0);
    return { thread: s.name(), frames: s.list(() => readFrame(s)) };
  });
  return {
    ...stack,
    name: custom('core', (s) => {
      s.expect(0);
      return s.name();
    }),
    modules: custom('coremodules', (s) =>
      s.list(() => {
        s.expect(0);
        return s.name();
      }),
    ),
    instances: custom('coreinstances', (s) =>
      s.list(() => {
        s.expect(0);
        return { module: s.u32(), memories: indexes(s), globals: indexes(s) };
      }),
    ),
    memories: section(5, (s) =>
      s.list(() => {
        const flags = s.byte();
        if (flags !== 0 && flags !== 4) throw new Error('unexpected limits');
        return s.u32();
      }),
    ),
    globals: section(6, (s) => s.list(() => readGlobal(s))),
    segments: section(11, (s) => s.list(() => readSegment(s))),
  };
}

function whole<T>(section: Cursor | undefined, name: string, read: (section: Cursor) => T): T {
  if (section === undefined) throw new Error(`${name} is not there`);
  const result = read(section);
  if (!section.ended) throw new Error(`more in ${name}`);
  return result;
}

function readFrame(s: Cursor): CoredumpFrame {
  s.expect(0);
  const [instance, func, offset] = [s.u32(), s.u32(), s.u32()];
  return { instance, func, offset, locals: s.list(() => s.value()), stack: s.list(() => s.value()) };
}

function readGlobal(s: Cursor): { type: number; value: CoredumpValue } {
  const type = s.byte();
  s.expect(0);
  const value = readConstant(s, type);
  s.expect(0x0b);
  return { type, value };
}

function readConstant(s: Cursor, type: number): CoredumpValue {
  switch (s.byte()) {
    case 0x41:
      return s.number(0x7f);
    case 0x42:
      return s.number(0x7e);
    case 0x43:
      return s.number(0x7d);
    case 0x44:
      return s.number(0x7c);
    case 0xd0:
      s.expect(type);
      return undefined;
    case 0xfd:
      s.expect(0x0c);
      return BigInt(`0x${Buffer.from(s.take(16)).reverse().toString('hex')}`);
    default:
      throw new Error('unexpected initialiser');
  }
}

function readSegment(s: Cursor): { memory: number; offset: number; bytes: Uint8Array } {
  const flags = s.byte();
  if (flags !== 0 && flags !== 2) throw new Error('not an active segment');
  const memory = flags === 2 ? s.u32() : 0;
  const wide = s.byte() === 0x42;
  const offset = Number(wide ? BigInt.asUintN(64, s.signed(64)) : BigInt.asUintN(32, s.signed(32)));
  s.expect(0x0b);
  return { memory, offset, bytes: s.take(s.u32()) };
}

/** A memory as a whole. */
export function memoryOf({ memories, segments }: Coredump, index: number): Buffer {
  const bytes = Buffer.alloc(memories[index] * 65536);
  for (const { memory, offset, bytes: part } of segments) if (memory === index) bytes.set(part, offset);
  return bytes;
}
