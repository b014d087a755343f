/**
 * Makes foreign text safe for a terminal: names, paths and arguments that somebody else chose.
 *
 * A terminal obeys control characters, and right-to-left text may be shown in front of the text that precedes it. So
 * these are printed as `\u{1b}`: controls (C0, DEL, C1), formatting (bidirectional overrides, zero width), line and
 * paragraph separators, lone surrogates, and code points that no version of Unicode has assigned. The host layer does
 * the same for a process's last message (runtime/process/message.ts).
 */

const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** Escapes one line, or a part of one. Safe text is returned unchanged. */
export function terminalText(text: string): string {
  return text.replace(UNSAFE, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** Escapes lines of our own that contain foreign text: each stays one line, and ends with a line break. */
export function terminalLines(lines: readonly string[]): string {
  return lines.map((line) => `${terminalText(line)}\n`).join('');
}

/** Foreign text between quotation marks. */
export function quoted(text: string): string {
  return `"${terminalText(text.replace(/["\\]/g, '\\$&'))}"`;
}

/**
 * JSON in one line. Everything that a terminal would obey is escaped as JSON escapes it, so it parses to the same
 * value.
 */
export function terminalJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (char) =>
    [...Array(char.length).keys()].map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
