/**
 * The parser of wasm-tools, which knows all of WebAssembly 3.0, the proposals after it, and components. It is a module
 * of WebAssembly in an npm package that is not installed with ours: the package brings more than 100 MB of other tools
 * with it, and few texts need it.
 *
 * Knows nothing of wabt: assemble.ts says which of them a text goes to.
 */

import { ToolError } from '../base/errors.js';

/** What has to be installed. The package `@bytecodealliance/jco` brings it, too. */
export const PARSER_PACKAGE = '@bytecodealliance/jco-transpile';

/** What is wrong with a text. */
export interface TextFault {
  readonly message: string;
  /** Counted from 1; undefined where the parser has failed and the text may be right. */
  readonly line: number | undefined;
  readonly column: number;
}

/** From text to the binary of a module or a component, or to what is wrong with it. */
export type TextParser = (text: string) => Promise<Uint8Array | TextFault>;

/**
 * The parser; undefined when it is not installed.
 *
 * @throws ToolError when it is, and cannot be loaded
 */
export async function loadWasmTools(): Promise<TextParser | undefined> {
  try {
    const { parse } = await import('@bytecodealliance/jco-transpile/wasm-tools');
    return (text) => parse(text).catch(faultOf);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${PARSER_PACKAGE}'`)) return undefined;
    throw new ToolError('parser', `the package ${PARSER_PACKAGE} cannot be loaded: ${message}`);
  }
}

/** How the parser writes a fault: as Rust prints its structures, with places counted from 0. */
const FAULT = /\bline: (\d+), col: (\d+), snippet: "(?:[^"\\]|\\.)*".*\bkind: (.*?) \} \}\) \}$/s;
const CUSTOM = /^Custom\(("(?:[^"\\]|\\.)*")\)$/s;

/** @param error what the parser has thrown */
function faultOf(error: unknown): TextFault {
  const { payload, message } = error as { payload?: unknown; message?: string };
  const text = typeof payload === 'string' ? payload : (message ?? String(error));
  const [, line, column, kind] = FAULT.exec(text) ?? [];
  if (kind === undefined) return { message: text, line: undefined, column: 1 };
  const custom = CUSTOM.exec(kind)?.[1];
  return {
    message: custom === undefined ? kind : unquoted(custom),
    line: Number(line) + 1,
    column: Number(column) + 1,
  };
}

/** What a string of Rust's stands for. */
function unquoted(literal: string): string {
  return literal.slice(1, -1).replace(/\\(?:u\{([0-9a-f]+)\}|(.))/gs, (_, point: string | undefined, char: string) => {
    if (point !== undefined) return String.fromCodePoint(Number.parseInt(point, 16));
    return { n: '\n', r: '\r', t: '\t', 0: '\0' }[char] ?? char;
  });
}
