/** Quotes a word of a command line for a shell, without anything that a terminal would obey. */

import { terminalText } from '../../src/base/terminal-text.js';

export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (terminalText(text) === text) return `'${text.replaceAll("'", "'\\''")}'`;
  const bytes = Array.from(Buffer.from(text), (byte) => {
    const char = String.fromCharCode(byte);
    return /^[\w@%+=:,./ -]$/.test(char) ? char : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `$'${bytes.join('')}'`;
}
