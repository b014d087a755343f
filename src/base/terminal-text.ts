/**
 * Foreign text for people: names, paths and arguments that somebody else chose, as they may reach a terminal.
 *
 * A terminal obeys control characters, and text of the other direction may be shown before what it follows. So
 * each of them is printed as `\u{1b}`: controls (C0, DEL, C1), formatting (bidirectional overrides, zero width), line
 * and paragraph separators, halves of surrogate pairs, and what no version of Unicode has given a meaning. The host
 * layer has the same for the last words of a process (runtime/process/message.ts).
 */

const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** One line, or a part of one. Text that is safe already stays as it is. */
export function terminalText(text: string): string {
  return text.replace(UNSAFE, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** Lines of our own, in which foreign text may stand: each of them stays one, and ends. */
export function terminalLines(lines: readonly string[]): string {
  return lines.map((line) => `${terminalText(line)}\n`).join('');
}

/** Foreign text between quotation marks. */
export function quoted(text: string): string {
  return `"${terminalText(text.replace(/["\\]/g, '\\$&'))}"`;
}

/**
 * JSON in one line whose strings are escaped as JSON does, all that a terminal would obey included. Reads back as it
 * was.
 */
export function terminalJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (char) =>
    [...Array(char.length).keys()].map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
