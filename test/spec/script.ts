/**
 * The commands of a conformance script (github.com/WebAssembly/spec, interpreter/README.md, "Scripts").
 *
 * Only reads: values stay text (literals.ts gives them bits), modules stay as the script gives them. Needs
 * test/support/wast*.ts.
 */

import {
  type Command,
  headOf,
  innerCommands,
  instanceOf,
  isDefinition,
  moduleOf,
  type ScriptModule,
  splitCommands,
} from '../support/wast.js';
import { type Expr, readExpr } from '../support/wast-expr.js';

/** A constant as written: `f32.const` and `nan:canonical`, `ref.extern` and `1`, `ref.null` and `func`. */
export interface Literal {
  readonly op: string;
  readonly text: string;
}

export interface Action {
  readonly kind: 'invoke' | 'get';
  /** The `$name` of the module; undefined: the last one. */
  readonly module: string | undefined;
  readonly field: string;
  readonly args: readonly Literal[];
}

export type ScriptCommand = { readonly line: number } & (
  | { readonly kind: 'module' | 'definition'; readonly module: ScriptModule }
  /** Of the module that `of` or, without it, the last definition has. */
  | { readonly kind: 'instance'; readonly id: string | undefined; readonly of: string | undefined }
  | { readonly kind: 'register'; readonly name: string; readonly module: string | undefined }
  | { readonly kind: 'action'; readonly action: Action }
  /** Of each result the alternatives it may be: one, but for `either`. */
  | { readonly kind: 'assert_return'; readonly action: Action; readonly expected: readonly (readonly Literal[])[] }
  | { readonly kind: 'assert_trap' | 'assert_exhaustion'; readonly action: Action; readonly message: string }
  | { readonly kind: 'assert_exception'; readonly action: Action }
  | { readonly kind: 'assert_uninstantiable'; readonly module: ScriptModule; readonly message: string }
  | {
      readonly kind: 'assert_unlinkable' | 'assert_invalid' | 'assert_malformed';
      readonly module: ScriptModule;
      readonly message: string;
    }
  /** Of a proposal that the runner does not know. */
  | { readonly kind: 'unknown'; readonly head: string }
);

/** Reads a script. Throws Error for one that cannot be. */
export function readScript(bytes: Buffer): ScriptCommand[] {
  const commands = splitCommands(bytes);
  if (!commands.some((command) => /^(module|assert_)/.test(headOf(command)))) {
    // A script may be the fields of one module.
    return [{ kind: 'module', line: 1, module: { form: 'text', id: undefined, source: bytes } }];
  }
  return commands.map(readCommand);
}

/** Whether a command counts as an assertion; the others only must not fail. */
export function isAssertion({ kind }: ScriptCommand): boolean {
  return kind.startsWith('assert_');
}

function readCommand(command: Command): ScriptCommand {
  const { line } = command;
  const head = headOf(command);
  if (head === 'module') {
    const instance = instanceOf(command);
    if (instance !== undefined) return { kind: 'instance', line, id: instance.id, of: instance.of };
    return { kind: isDefinition(command) ? 'definition' : 'module', line, module: moduleOf(command) };
  }
  const [, first, ...rest] = readExpr(command) as Expr[];
  switch (head) {
    case 'register':
      return { kind: 'register', line, name: utf8(first), module: rest[0] as string | undefined };
    case 'invoke':
    case 'get':
      return { kind: 'action', line, action: readAction([head, first, ...rest]) };
    case 'assert_return':
      return { kind: head, line, action: readAction(first), expected: rest.map(readExpected) };
    case 'assert_exception':
      return { kind: head, line, action: readAction(first) };
    case 'assert_exhaustion':
    case 'assert_trap':
    case 'assert_unlinkable':
    case 'assert_invalid':
    case 'assert_malformed': {
      const message = utf8(rest[0]);
      if (first[0] !== 'module') {
        if (head !== 'assert_trap' && head !== 'assert_exhaustion')
          throw new Error(`line ${line}: ${head} of no module`);
        return { kind: head, line, action: readAction(first), message };
      }
      const module = moduleOf(innerCommands(command)[0]);
      if (head === 'assert_trap' || head === 'assert_exhaustion') {
        return { kind: 'assert_uninstantiable', line, module, message };
      }
      return { kind: head, line, module, message };
    }
    default:
      return { kind: 'unknown', line, head };
  }
}

function readAction(expr: Expr): Action {
  const [kind, ...rest] = expr as Expr[];
  if (kind !== 'invoke' && kind !== 'get') throw new Error(`${kind} is no action`);
  const module = typeof rest[0] === 'string' ? rest.shift() : undefined;
  const [field, ...args] = rest;
  return { kind, module: module as string | undefined, field: utf8(field), args: args.map(readLiteral) };
}

function readExpected(expr: Expr): Literal[] {
  const [head, ...rest] = expr as Expr[];
  return head === 'either' ? rest.map(readLiteral) : [readLiteral(expr)];
}

function readLiteral(expr: Expr): Literal {
  const [op, ...words] = expr as string[];
  return { op, text: words.join(' ') };
}

/** Names of exports and modules are UTF-8. NOTE: unlike a TextDecoder this keeps a byte order mark, which some have. */
function utf8(expr: Expr): string {
  return (expr as Buffer).toString('utf8');
}
