/** Where our options end and the program's begin. */

import { expect, test } from 'vitest';
import type { Option } from '../../../../bin/options/option-table.js';
import { findUnknownOption, separateProgram } from '../../../../bin/options/program-arguments.js';

const option = (names: string[], takesValue: boolean): Option => ({ names, takesValue, describe: '', isHidden: false });
const options = [
  option(['dir'], true),
  option(['same-dirs'], false),
  option(['verbose', 'v'], false),
  option(['output', 'o'], true),
];

test.each<[string, string]>([
  ['a.wasm', 'a.wasm --'],
  ['a.wasm --help -v', 'a.wasm -- --help -v'],
  ['a.wasm -- --help', 'a.wasm -- --help'],
  ['a.wasm -- -- x', 'a.wasm -- -- x'],
  ['a.wasm x -- y', 'a.wasm -- x -- y'],
  ['-- a.wasm -v', 'a.wasm -- -v'],
  ['-- a.wasm -- -v', 'a.wasm -- -- -v'],
  ['-- -x.wasm', './-x.wasm --'],
  ['-v --dir d a.wasm --dir e', '-v --dir d a.wasm -- --dir e'],
  ['--dir=d a.wasm', '--dir=d a.wasm --'],
  ['-vo f a.wasm -o g', '-vo f a.wasm -- -o g'],
  ['-of a.wasm x', '-of a.wasm -- x'],
  ['--sameDirs a.wasm --x', '--sameDirs a.wasm -- --x'],
  ['- -v', '- -- -v'],
  ['--dir d', '--dir d'],
  ['--help', '--help'],
  ['', ''],
  ['--', ''],
])('%s', (line, expected) => {
  expect(separateProgram(line.split(' ').filter(Boolean), options).join(' ')).toBe(expected);
});

test.each<[string, string | undefined]>([
  ['-v --dir --x a', undefined],
  ['--dri d a', '--dri'],
  ['--dir=x --samedirs', '--samedirs'],
  ['--sameDirs -vo -z', undefined],
  ['-vz', '-z'],
  ['-oz -vx', '-x'],
  ['a -- --x', undefined],
  ['--x=1', '--x'],
])('unknown in %s', (line, expected) => {
  expect(findUnknownOption(line.split(' '), options)).toBe(expected);
});
