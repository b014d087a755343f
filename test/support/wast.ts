/**
 * Splits the conformance suite's scripts into top-level commands, string literals, and the modules inside.
 *
 * Is not a script runner: it knows no assertion. Works on bytes, as the suite's names are not all valid UTF-8. Needs
 * the suite in $WASM_TESTSUITE or in ../shared/testsuite, and the wabt package for modules in the text format.
 */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import loadWabt from 'wabt';
import { ownPackage } from '../../src/base/package.js';
import { assemble } from '../../src/wasm/assemble.js';
import { withMemoryIndexes } from '../../src/wasm/wat-data.js';

/** The folder of the conformance suite; undefined when it is not there. */
export function testsuiteFolder(): string | undefined {
  const folder = process.env['WASM_TESTSUITE'] || join(ownPackage().folder, '../shared/testsuite');
  return existsSync(folder) ? folder : undefined;
}

/** Folders of the proposals that we implement. */
const PROPOSALS: readonly string[] = [
  'exception-handling',
  'exception-handling/legacy',
  'extended-const',
  'memory64',
  'multi-memory',
  'relaxed-simd',
  'tail-call',
  'threads',
];

/** The suite's own scripts, then those of the proposals that we implement: paths below `folder`. */
export function testsuiteScripts(folder: string): string[] {
  const scriptsIn = (path: string) => {
    const names = readdirSync(join(folder, path)).filter((name) => name.endsWith('.wast'));
    return names.sort().map((name) => join(path, name));
  };
  return [...scriptsIn('.'), ...PROPOSALS.flatMap((name) => scriptsIn(`proposals/${name}`))];
}

export interface Command {
  readonly text: Buffer;
  /** Of its opening parenthesis, counted from 1. */
  readonly line: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x28;
const CLOSE = 0x29;
const SEMICOLON = 0x3b;
const NEWLINE = 0x0a;

/** Splits a script into its top-level s-expressions; strings and comments may hold parentheses. */
export function splitCommands(bytes: Uint8Array): Command[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const commands: Command[] = [];
  let depth = 0;
  let start = 0;
  let startLine = 1;
  let line = 1;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === NEWLINE) line++;
    else if (byte === QUOTE) i = endOfString(bytes, i);
    else if (byte === SEMICOLON && bytes[i + 1] === SEMICOLON) {
      while (i + 1 < bytes.length && bytes[i + 1] !== NEWLINE) i++;
    } else if (byte === OPEN && bytes[i + 1] === SEMICOLON) {
      const end = endOfBlockComment(bytes, i);
      for (; i < end; i++) if (bytes[i] === NEWLINE) line++;
    } else if (byte === OPEN) {
      if (depth++ === 0) {
        start = i;
        startLine = line;
      }
    } else if (byte === CLOSE && depth > 0 && --depth === 0) {
      commands.push({ text: buffer.subarray(start, i + 1), line: startLine });
    }
  }
  return commands;
}

/** The position of the closing quote of the string that opens at `start`. */
export function endOfString(bytes: Uint8Array, start: number): number {
  let i = start + 1;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}

/** The position of the last byte of the comment, comments inside of it included, that opens at `start`. */
export function endOfBlockComment(bytes: Uint8Array, start: number): number {
  let depth = 0;
  for (let i = start; i + 1 < bytes.length; i++) {
    if (bytes[i] === OPEN && bytes[i + 1] === SEMICOLON) {
      depth++;
      i++;
    } else if (bytes[i] === SEMICOLON && bytes[i + 1] === CLOSE) {
      i++;
      if (--depth === 0) return i;
    }
  }
  return bytes.length - 1;
}

/** The commands inside of a command: the module of an assertion, say. */
export function innerCommands(command: Command): Command[] {
  const inner = splitCommands(command.text.subarray(1, -1));
  return inner.map(({ text, line }) => ({ text, line: command.line + line - 1 }));
}

/** The first word of a command: `module`, `assert_invalid`, ... */
export function headOf(command: Command): string {
  return /^\(\s*([^\s()";]*)/.exec(command.text.toString('latin1', 0, 80))?.[1] ?? '';
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, '"': 34, "'": 39, '\\': 92 };

/** All string literals of a command, unescaped. */
export function stringsOf(command: Command): Buffer[] {
  const { text } = command;
  const strings: Buffer[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === OPEN && text[i + 1] === SEMICOLON) i = endOfBlockComment(text, i);
    else if (text[i] === SEMICOLON && text[i + 1] === SEMICOLON) {
      while (i < text.length && text[i] !== NEWLINE) i++;
    } else if (text[i] === QUOTE) {
      const end = endOfString(text, i);
      strings.push(unescaped(text.toString('latin1', i + 1, end)));
      i = end;
    }
  }
  return strings;
}

/** The bytes that the inside of a string literal stands for; both hold a byte per character. */
export function unescaped(literal: string): Buffer {
  const parts = literal.replace(/\\(?:u\{([0-9a-fA-F_]+)\}|([0-9a-fA-F]{2})|(.))/gs, (_, point, hex, char) => {
    if (point !== undefined) return Buffer.from(String.fromCodePoint(Number.parseInt(point, 16))).toString('latin1');
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return String.fromCharCode(ESCAPES[char] ?? char.charCodeAt(0));
  });
  return Buffer.from(parts, 'latin1');
}

export interface ScriptModule {
  /** How the script gives the module. */
  readonly form: 'text' | 'binary' | 'quote';
  /** The `$name` that the script calls it by. */
  readonly id: string | undefined;
  /** Of a binary its bytes, else the text to assemble. */
  readonly source: Buffer;
}

const MODULE = /^\(\s*module\s*(definition)?(?![^\s()"])\s*(\$[^\s()]+)?\s*(binary|quote)?(?=[\s()"])/;

/** What a `(module ...)` command holds. */
export function moduleOf(command: Command): ScriptModule {
  const head = command.text.toString('latin1', 0, 400);
  const [all = '', definition, id, word] = MODULE.exec(head) ?? [];
  if (word !== undefined) return { form: word as 'binary' | 'quote', id, source: Buffer.concat(stringsOf(command)) };
  const { text } = command;
  if (definition === undefined) return { form: 'text', id, source: text };
  return { form: 'text', id, source: Buffer.concat([Buffer.from('(module '), text.subarray(all.length)]) };
}

/** Whether a `(module ...)` command only defines a module, which others instantiate. */
export function isDefinition(command: Command): boolean {
  return MODULE.exec(command.text.toString('latin1', 0, 400))?.[1] !== undefined;
}

/** The instance and the definition of a command `(module instance $I $M)`; undefined for another. */
export function instanceOf(command: Command): { readonly id?: string; readonly of?: string } | undefined {
  const names = /^\(\s*module\s+instance(?:\s+(\$[^\s()]+))?(?:\s+(\$[^\s()]+))?\s*\)/.exec(
    command.text.toString('latin1'),
  );
  return names === null ? undefined : { id: names[1], of: names[2] };
}

export type Assembler = (module: ScriptModule, name: string) => Uint8Array;

/** As Assembler, by the parsers that users have: wabt, and wasm-tools for what wabt refuses. */
export const assembleAsUsersDo = async ({ form, source }: ScriptModule, name: string): Promise<Uint8Array> =>
  form === 'binary' ? new Uint8Array(source) : assemble(source, name);

/** All that wabt knows of: proposals' scripts too are to be refused by our decoder, not by wabt. */
export const SCRIPT_FEATURES = {
  exceptions: true,
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  threads: true,
  multi_value: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  memory64: true,
  multi_memory: true,
  extended_const: true,
  relaxed_simd: true,
} as const;

/**
 * Makes binaries of script modules; throws for text that wabt refuses. Nothing is validated.
 * @param features of wabt, beyond its default ones
 */
export async function createAssembler(features: Readonly<Record<string, boolean>> = {}): Promise<Assembler> {
  const wabt = await loadWabt();
  return ({ form, source }, name) => {
    if (form === 'binary') return new Uint8Array(source);
    // NOTE: wabt copies all of the view's ArrayBuffer, so the text needs one of its own.
    const module = wabt.parseWat(name, new Uint8Array(source), features);
    try {
      return withMemoryIndexes(Uint8Array.from(module.toBinary({}).buffer), () => module.toText({}));
    } finally {
      module.destroy();
    }
  };
}
