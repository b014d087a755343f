/**
 * A command of a script as a nested expression, for the parts that are read word by word: actions and their values.
 *
 * Modules are not read so: they stay bytes (wast.ts). Needs wast.ts for comments and string literals.
 */

import { type Command, endOfBlockComment, endOfString, unescaped } from './wast.js';

/** An atom, a string literal's bytes, or a list. */
export type Expr = string | Buffer | readonly Expr[];

const OPEN = 0x28;
const CLOSE = 0x29;
const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const NEWLINE = 0x0a;

/** Reads a command. Lists whose first atom is in `opaque` become empty lists with that atom: `['module']`. */
export function readExpr({ text, line }: Command, opaque: readonly string[] = ['module']): Expr {
  const stack: Expr[][] = [[]];
  const top = () => stack[stack.length - 1];
  let i = 0;
  while (i < text.length) {
    const byte = text[i];
    if (byte === OPEN && text[i + 1] === SEMICOLON) i = endOfBlockComment(text, i) + 1;
    else if (byte === SEMICOLON && text[i + 1] === SEMICOLON) {
      while (i < text.length && text[i] !== NEWLINE) i++;
    } else if (byte === OPEN) {
      stack.push([]);
      i++;
    } else if (byte === CLOSE) {
      const list = stack.pop()!;
      if (stack.length === 0) throw new Error(`line ${line}: a parenthesis too many`);
      top().push(list);
      i++;
    } else if (byte === QUOTE) {
      const end = endOfString(text, i);
      top().push(unescaped(text.toString('latin1', i + 1, end)));
      i = end + 1;
    } else if (byte <= 0x20) i++;
    else {
      const start = i;
      while (i < text.length && isAtomByte(text[i])) i++;
      if (i === start) throw new Error(`line ${line}: unexpected byte 0x${byte.toString(16)}`);
      const atom = text.toString('latin1', start, i);
      top().push(atom);
      if (top().length === 1 && opaque.includes(atom)) i = endOfList(text, i);
    }
  }
  const [result] = stack[0];
  if (stack.length !== 1 || stack[0].length !== 1) throw new Error(`line ${line}: not one expression`);
  return result;
}

function isAtomByte(byte: number): boolean {
  return byte > 0x20 && byte !== OPEN && byte !== CLOSE && byte !== QUOTE && byte !== SEMICOLON;
}

/** The position of the parenthesis that closes the list that position `start` is in. */
function endOfList(text: Buffer, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const byte = text[i];
    if (byte === QUOTE) i = endOfString(text, i);
    else if (byte === OPEN && text[i + 1] === SEMICOLON) i = endOfBlockComment(text, i);
    else if (byte === SEMICOLON && text[i + 1] === SEMICOLON) {
      while (i < text.length && text[i] !== NEWLINE) i++;
    } else if (byte === OPEN) depth++;
    else if (byte === CLOSE && depth-- === 0) return i;
  }
  return text.length;
}
