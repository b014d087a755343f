/**
 * Checks a msgpack document before it is decoded. A few bytes can announce arrays of millions of elements, each of
 * which becomes an object, and extensions make the decoder do what none of our formats needs.
 *
 * Walks through the document (msgpack spec, "Formats") without recursion. A valid one is decoded by msgpackr in
 * JavaScript: its parts are imported without its native addon.
 */

export interface MsgpackLimits {
  /** The most elements, keys and values of all arrays and maps. */
  readonly items: number;
  /** The deepest nesting of arrays and maps. */
  readonly depth?: number;
}

/** A key of a map with its value, encoded. */
export interface MsgpackEntry {
  readonly key: string;
  readonly bytes: Uint8Array;
}

const DEPTH = 16;
const KEY_MAX = 64;
/** Bytes after the first one of the formats 0xc0 to 0xdf. Negative: the size of a length field. */
const FIXED = [
  ...[0, 0, 0, 0, -1, -2, -4, 0, 0, 0, 4, 8, 1, 2, 4, 8], // nil, -, false, true, bin, ext (below), float, uint
  ...[1, 2, 4, 8, 0, 0, 0, 0, 0, -1, -2, -4, 0, 0, 0, 0], // int, fixext (below), str, array, map (below)
];
const NEVER_USED = 0xc1;
const EXT_8 = 0xc7;
const EXT_32 = 0xc9;
const FIXEXT_1 = 0xd4;
const FIXEXT_16 = 0xd8;
const ARRAY_16 = 0xdc;

/** Why a document must not be decoded: `has more than 5 items`, ... Undefined: it is fine. */
export function msgpackProblem(bytes: Uint8Array, limits: MsgpackLimits): string | undefined {
  const walk = new Walk(bytes, limits);
  walk.value();
  return walk.problem;
}

/**
 * The entries of a map, so that unneeded ones need not be decoded.
 *
 * @returns why the document must not be decoded, in words, when it is not such a map
 */
export function msgpackEntries(bytes: Uint8Array, limits: MsgpackLimits): MsgpackEntry[] | string {
  const walk = new Walk(bytes, limits);
  const entries: MsgpackEntry[] = [];
  for (let left = walk.mapSize(); left > 0; left--) {
    const start = walk.at;
    const key = walk.key();
    walk.value();
    if (walk.problem !== undefined) return walk.problem;
    entries.push({ key, bytes: bytes.subarray(start, walk.at) });
  }
  return walk.problem ?? entries;
}

/** Encodes a map of some entries. */
export function msgpackMap(entries: readonly MsgpackEntry[]): Uint8Array {
  const head = Uint8Array.of(0xde, entries.length >> 8, entries.length & 255);
  return Buffer.concat([head, ...entries.map(({ bytes }) => bytes)]);
}

class Walk {
  at = 0;
  problem: string | undefined;
  private items = 0;
  private readonly view: DataView;
  private readonly limits: Required<MsgpackLimits>;
  /** For each enclosing array or map: the values that are still to come. */
  private readonly left: Float64Array;

  constructor(
    private readonly bytes: Uint8Array,
    limits: MsgpackLimits,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.limits = { depth: DEPTH, ...limits };
    this.left = new Float64Array(this.limits.depth + 1);
  }

  /** Skips one value. */
  value(): void {
    const { left } = this;
    left[0] = 1;
    for (let depth = 0; depth >= 0 && this.problem === undefined; ) {
      if (left[depth] === 0) {
        depth--;
        continue;
      }
      left[depth]--;
      const inside = this.head();
      if (inside === 0) continue;
      this.items += inside;
      if (this.items > this.limits.items) this.problem = `has more than ${this.limits.items} items`;
      else if (depth === this.limits.depth) this.problem = `has more than ${depth} arrays and maps within one another`;
      else left[++depth] = inside;
    }
  }

  /** The entries of the map that begins here. */
  mapSize(): number {
    const code = this.bytes[this.at];
    const isMap = (code >= 0x80 && code < 0x90) || code === 0xde || code === 0xdf;
    if (!isMap) this.problem ??= 'is not a map';
    return isMap ? this.head() / 2 : 0;
  }

  /** The string that begins here; '' when it cannot be a key. */
  key(): string {
    const start = this.at;
    const code = this.bytes[start];
    this.value();
    const head = code === 0xd9 ? 2 : 1;
    const isText = (code >= 0xa0 && code < 0xc0) || code === 0xd9;
    if (!isText || this.at - start > KEY_MAX) return '';
    return Buffer.from(this.bytes.subarray(start + head, this.at)).toString('latin1');
  }

  /** Skips one value, except what it contains. @returns the number of values that it contains */
  private head(): number {
    const { bytes } = this;
    if (this.at >= bytes.length) return this.cutOff();
    const code = bytes[this.at++];
    if (code < 0x80 || code >= 0xe0) return 0;
    if (code < 0x90) return 2 * (code & 15);
    if (code < 0xa0) return code & 15;
    if (code < 0xc0) return this.skip(code & 31);
    if (code === FIXEXT_1 && bytes[this.at] === 0) return this.skip(2); // msgpackr's encoding of undefined
    if (code === NEVER_USED || (code >= EXT_8 && code <= EXT_32) || (code >= FIXEXT_1 && code <= FIXEXT_16)) {
      this.problem = 'has an extension';
      return 0;
    }
    const fixed = code < ARRAY_16 ? FIXED[code - 0xc0] : code % 2 === 0 ? -2 : -4;
    if (fixed >= 0) return this.skip(fixed);
    if (this.at - fixed > bytes.length) return this.cutOff();
    const length =
      fixed === -1 ? bytes[this.at] : fixed === -2 ? this.view.getUint16(this.at) : this.view.getUint32(this.at);
    this.at -= fixed;
    if (code >= ARRAY_16) return code < 0xde ? length : 2 * length;
    return this.skip(length);
  }

  private skip(count: number): 0 {
    this.at += count;
    return this.at > this.bytes.length ? this.cutOff() : 0;
  }

  private cutOff(): 0 {
    this.problem = 'is cut off';
    return 0;
  }
}
