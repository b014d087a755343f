/**
 * Text to binary. wabt comes first: it is always there. What it refuses goes to a second parser, when that is installed
 * (wasm-tools.ts), because wabt does not know all of WebAssembly 3.0. Text with typed references goes there too: wabt
 * 1.0.39 accepts it and writes it wrong. So does text with annotations, which wabt passes over: it loses names, custom
 * sections and branch hints, and no check is made of them. Both are imported only when they are needed.
 *
 * Is not a parser of its own: errors and their positions are those of the parsers.
 */

import { InputError } from '../base/errors.js';
import { loadWasmTools, PARSER_PACKAGE, type TextParser } from './wasm-tools.js';
import { withMemoryIndexes } from './wat-data.js';

/** WebAssembly 2.0 and the proposals that we support. */
const TEXT_FEATURES = {
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  relaxed_simd: true,
  multi_value: true,
  bulk_memory: true,
  reference_types: true,
  threads: true,
  extended_const: true,
  exceptions: true,
  multi_memory: true,
  memory64: true,
  tail_call: true,
  annotations: true,
} as const;

/** The file name that wabt gets: the user's may contain line breaks. */
const TEXT_NAME = '(text)';

/**
 * The binary of a module or a component in the text format, with its names in a name section.
 *
 * @param load of the second parser
 * @throws InputError 'malformed' with the parser's message: file, line, column, and the line
 */
export async function assemble(text: Uint8Array, file: string, load = loadWasmTools): Promise<Uint8Array> {
  const features = featuresOf(text);
  const early = features === Features.Annotations ? await load() : undefined;
  if (early !== undefined) return await assembleByTools(early, text, file);
  const byWabt =
    features === Features.TypedReferences ? [`${file}: has typed references`] : await assembleByWabt(text, file);
  if (byWabt instanceof Uint8Array) return byWabt;
  const parse = await load();
  if (parse !== undefined) return await assembleByTools(parse, text, file);
  const advice = `The text may need more of WebAssembly 3.0 than the parser that is here knows (typed references, for example): npm install ${PARSER_PACKAGE}`;
  throw new InputError('malformed', byWabt[0], [...byWabt.slice(1), advice]);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x28;
const CLOSE = 0x29;
const SEMICOLON = 0x3b;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const AT = 0x40;

/** What a text has that wabt does not handle: the worst of it. */
const enum Features {
  None,
  /** `(@`: wabt passes over them. */
  Annotations,
  /** `(ref` with a space after it: wabt writes them wrong. */
  TypedReferences,
}

/** Looks outside of strings and comments. */
function featuresOf(text: Uint8Array): Features {
  let found = Features.None;
  let depth = 0; // of comments
  for (let i = 0; i < text.length; i++) {
    const byte = text[i];
    if (byte === OPEN && text[i + 1] === SEMICOLON) {
      depth++;
      i++;
    } else if (depth > 0) {
      if (byte !== SEMICOLON || text[i + 1] !== CLOSE) continue;
      depth--;
      i++;
    } else if (byte === SEMICOLON && text[i + 1] === SEMICOLON) {
      while (i < text.length && text[i] !== NEWLINE) i++;
    } else if (byte === QUOTE) {
      for (i++; i < text.length && text[i] !== QUOTE; i++) if (text[i] === BACKSLASH) i++;
    } else if (byte === OPEN) {
      if (text[i + 1] === AT) found = Features.Annotations;
      let at = i + 1;
      while (text[at] <= SPACE) at++;
      const isRef = text[at] === 0x72 && text[at + 1] === 0x65 && text[at + 2] === 0x66 && text[at + 3] <= SPACE;
      if (isRef) return Features.TypedReferences;
    }
  }
  return found;
}

/** The binary, or in lines what is wrong. */
async function assembleByWabt(text: Uint8Array, file: string): Promise<Uint8Array | string[]> {
  const { default: loadWabt } = await import('wabt');
  const wabt = await loadWabt();
  try {
    // NOTE: wabt copies all of the view's ArrayBuffer, so the text needs one of its own.
    const module = wabt.parseWat(TEXT_NAME, new Uint8Array(text), TEXT_FEATURES);
    try {
      const binary = Uint8Array.from(module.toBinary({ write_debug_names: true }).buffer);
      return withMemoryIndexes(binary, () => module.toText({}));
    } finally {
      module.destroy();
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // An error in the text comes after a first line `parseWat failed:`. Anything else is a failure of wabt, for
    // instance on a text that nests too deep.
    const fault = /^parseWat failed:\s*(.*)$/s.exec(message)?.[1];
    // NOTE: the line of the text that wabt repeats is marked by carets below it.
    return (fault?.trimEnd() ?? `${file}: wabt cannot assemble it: ${message}`)
      .replaceAll('\t', ' ')
      .split('\n')
      .map((line) => (line.startsWith(`${TEXT_NAME}:`) ? `${file}${line.slice(TEXT_NAME.length)}` : line));
  }
}

async function assembleByTools(parse: TextParser, text: Uint8Array, file: string): Promise<Uint8Array> {
  let source: string;
  try {
    source = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    throw new InputError('malformed', `${file}: is not UTF-8, as text of a module has to be`);
  }
  const parsed = await parse(source);
  if (parsed instanceof Uint8Array) return parsed;
  const { message, line, column } = parsed;
  if (line === undefined) throw new InputError('malformed', `${file}: wasm-tools cannot assemble it: ${message}`);
  const marked = [(source.split('\n')[line - 1] ?? '').trimEnd().replaceAll('\t', ' '), `${' '.repeat(column - 1)}^`];
  throw new InputError('malformed', `${file}:${line}:${column}: error: ${message}`, marked);
}
