/** What a job has printed as JSON: text, or base64 of what is none. */

/** Bytes of the longest character of UTF-8 that may be missing a byte. */
const LONGEST = 3;

export type Shown = { readonly text: string } | { readonly base64: string };

/** Of one stream: a character that is cut at the end of a piece goes with the next one. */
export class PieceText {
  private rest: Uint8Array = new Uint8Array(0);

  show(data: Uint8Array): Shown {
    const all = Buffer.concat([this.rest, data]);
    const end = all.length - cut(all);
    const shown = shownAs(all.subarray(0, end));
    this.rest = 'text' in shown ? all.subarray(end) : new Uint8Array(0);
    return 'text' in shown ? shown : shownAs(all);
  }

  /** What is left when nothing follows. */
  end(): Shown | undefined {
    return this.rest.length === 0 ? undefined : shownAs(this.rest);
  }
}

function shownAs(bytes: Uint8Array): Shown {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}

/** How many bytes at the end are the beginning of a character. */
function cut(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(LONGEST, bytes.length); length++) {
    const byte = bytes[bytes.length - length]!;
    if (byte < 0x80 || byte > 0xf4) return 0;
    if (byte < 0xc0) continue;
    const whole = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length < whole ? length : 0;
  }
  return 0;
}
