/** The MessagePack that docs/snapshot-format.md says is used, and what a reader takes out of it. Nothing of src is used here. */

export type Raw = null | boolean | number | bigint | string | Buffer | Raw[] | Map<string, Raw>;

/** MessagePack, as far as the document says that it is used. */
export class Msgpack {
  private at = 0;

  constructor(private readonly from: Buffer) {}

  document(): Raw {
    const value = this.value();
    require(this.at === this.from.length, 'end of the MessagePack document');
    return value;
  }

  private value(): Raw {
    const code = this.unsigned(1);
    if (code < 0x80) return code;
    if (code < 0x90) return this.map(code & 15);
    if (code < 0xa0) return this.array(code & 15);
    if (code < 0xc0) return this.bytes(code & 31).toString('utf8');
    if (code >= 0xe0) return code - 256;
    if (code === 0xc0) return null;
    if (code === 0xc2 || code === 0xc3) return code === 0xc3;
    if (code >= 0xc4 && code <= 0xc6) return this.bytes(this.unsigned(1 << (code - 0xc4)));
    if (code === 0xcb) return this.bytes(8).readDoubleBE();
    if (code >= 0xcc && code <= 0xce) return this.unsigned(1 << (code - 0xcc));
    if (code === 0xcf) return this.bytes(8).readBigUInt64BE();
    if (code >= 0xd0 && code <= 0xd2) return this.bytes(1 << (code - 0xd0)).readIntBE(0, 1 << (code - 0xd0));
    if (code === 0xd3) return this.bytes(8).readBigInt64BE();
    if (code >= 0xd9 && code <= 0xdb) return this.bytes(this.unsigned(1 << (code - 0xd9))).toString('utf8');
    if (code === 0xdc || code === 0xdd) return this.array(this.unsigned(code === 0xdc ? 2 : 4));
    if (code === 0xde || code === 0xdf) return this.map(this.unsigned(code === 0xde ? 2 : 4));
    return fail(`MessagePack code 0x${code.toString(16)}`);
  }

  private array(count: number): Raw[] {
    return Array.from({ length: count }, () => this.value());
  }

  private map(count: number): Map<string, Raw> {
    return new Map(Array.from({ length: count }, () => [String(this.value()), this.value()]));
  }

  private unsigned(size: number): number {
    return this.bytes(size).readUIntBE(0, size);
  }

  private bytes(size: number): Buffer {
    const taken = this.from.subarray(this.at, this.at + size);
    require(taken.length === size, 'MessagePack value');
    this.at += size;
    return taken;
  }
}

export function record(raw: Raw | undefined): Record<string, Raw> {
  return raw instanceof Map ? Object.fromEntries(raw) : fail('a map');
}

export function list(raw: Raw | undefined): Raw[] {
  return Array.isArray(raw) ? raw : fail('an array');
}

export function bytes(raw: Raw | undefined): Buffer {
  return Buffer.isBuffer(raw) ? raw : fail('a binary');
}

export function text(raw: Raw | undefined): string {
  return bytes(raw).toString('utf8');
}

export function words(raw: Raw | undefined): number[] {
  const column = bytes(raw);
  return Array.from({ length: column.length / 4 }, (_, i) => column.readUInt32LE(i * 4));
}

export function require(holds: boolean, what: string): void {
  if (!holds) fail(what);
}

export function fail(what: string): never {
  throw new Error(`not as the document says: ${what}`);
}
