/** Checks that a command can use a file of this kind. If not, says which command can. */

import type { FileKind, FileType } from '../../src/api/file-kind.js';
import { InputError } from '../../src/base/errors.js';
import { shellWord } from '../options/shell-word.js';

const KINDS: Readonly<Record<Wanted, string>> = {
  module: 'a module (.wasm or .wat)',
  component: 'a component',
  image: 'an image',
  snapshot: 'a snapshot',
  coredump: 'a coredump',
};

type Wanted = Exclude<FileKind, 'other'>;

interface Given {
  /** The name as the user typed it. */
  readonly name: string;
  readonly type: FileType;
}

/**
 * @param where what takes the file: `run`, `restore --module`
 * @throws InputError 'wrong-kind'
 */
export function expectKind(input: Given, where: string, wanted: readonly Wanted[]): void {
  const { kind } = input.type;
  // a file with a module's name is never started as native code
  const isSafe = kind !== 'image' || !isNamedModule(input.name);
  if (!isSafe || !wanted.some((one) => one === kind)) throw notFor(input, where, wanted);
}

/** Says what the file is, what the command takes, and which command takes the file. */
export function notFor({ name, type }: Given, where: string, wanted: readonly Wanted[]): InputError {
  const ending = name.slice(name.lastIndexOf('.'));
  const isWasm =
    ['module', 'coredump'].includes(type.kind) ||
    (type.kind === 'component' && (ending === '.wasm' || type.isText === true));
  const isMisnamed = isNamedModule(name) && !isWasm;
  const takes = `${where} takes ${wanted.map((one) => KINDS[one]).join(' or ')}`;
  const is = `${name} is ${type.what}${isMisnamed ? `, though it is called ${ending}` : ''}`;
  return new InputError('wrong-kind', [is, takes, ...advise(name, type, isMisnamed)].join('; '));
}

function isNamedModule(name: string): boolean {
  return /\.(wasm|wat)$/.test(name);
}

function advise(name: string, { kind, advice }: FileType, isMisnamed: boolean): string[] {
  if (advice !== undefined) return [advice];
  const path = shellWord(name);
  switch (kind) {
    case 'module':
    case 'component':
      return [`wag-snap run ${path} starts it`];
    case 'image':
      return isMisnamed
        ? ['to run it as a program give it another name']
        : [`wag-snap run ${path} starts it if it is an image`];
    case 'snapshot':
      return [`wag-snap restore ${path} continues with it`];
    default:
      return [];
  }
}
