import { expect, test } from 'vitest';
import { headOf, innerCommands, moduleOf, splitCommands, stringsOf } from '../../support/wast.js';

/** The splitter of conformance scripts, which other tests stand on. */

test('splits at the top level, around strings and comments, and counts lines', () => {
  const script = `;; (not a command
(module (func) (data "\\")(;" ";;") )
(; (nor (; this ;) ) ;) (assert_return
  (invoke "f"))(register "\\28")`;
  const commands = splitCommands(Buffer.from(script));
  expect(commands.map(headOf)).toEqual(['module', 'assert_return', 'register']);
  expect(commands.map(({ line }) => line)).toEqual([2, 3, 4]);
  expect(commands[0]!.text.toString()).toBe('(module (func) (data "\\")(;" ";;") )');
});

test('takes assertions apart', () => {
  const [command] = splitCommands(
    Buffer.from('\n(assert_malformed\n (module $id binary "\\00asm" ;; "x"\n "\\01\\u{e4}\\n") "message")'),
  );
  const [module] = innerCommands(command!);
  expect(module!.line).toBe(3);
  expect(moduleOf(module!)).toMatchObject({ form: 'binary', id: '$id' });
  expect(moduleOf(module!).source.toString('latin1')).toBe('\0asm\x01\xc3\xa4\n');
  expect(stringsOf(command!).at(-1)!.toString()).toBe('message');
  expect(moduleOf({ text: Buffer.from('(module(func))'), line: 1 }).form).toBe('text');
  expect(moduleOf({ text: Buffer.from('(module quote "(func)" " (memory 1)")'), line: 1 }).source.toString()).toBe(
    '(func) (memory 1)',
  );
});
