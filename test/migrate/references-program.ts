/**
 * A program with typed function references wherever a value can be: what references.test.ts runs. Prints a digit or
 * letter for each of its results.
 */

import { type Bytes, type Encoding, FUNC, I32, moduleOf, STANDARD } from '../support/function-references.js';

const END = 0x0b;
const [BLOCK, IF, ELSE, RETURN, CALL, CALL_REF, RETURN_CALL_REF, DROP] = [
  0x02, 0x04, 0x05, 0x0f, 0x10, 0x14, 0x15, 0x1a,
];
const [GET, SET, GLOBAL_GET, GLOBAL_SET, TABLE_GET, TABLE_SET, STORE, CONST] = [
  0x20, 0x21, 0x23, 0x24, 0x25, 0x26, 0x36, 0x41,
];
const [ADD, SUB, MUL, REF_NULL, IS_NULL, REF_FUNC, UNREACHABLE] = [0x6a, 0x6b, 0x6c, 0xd0, 0xd1, 0xd2, 0x00];

// Types: 0 i32 -> i32, 1 fd_write, 2 () -> i32, 3 () -> (), 4 i32 -> (), 5 (ref null 0, i32) -> i32, 6 (ref 0, 6 x i32)
// -> i32
const [UNARY, WRITE, YIELD, NONE, EXIT, APPLY, MANY] = [0, 1, 2, 3, 4, 5, 6];
const [WRITE_F, YIELD_F, EXIT_F, ADD_7, TIMES_3, PRINT, APPLY_F, OR_MINUS, TAIL, MIXED] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
];
export const WASI = 'wasi_snapshot_preview1';
/** Ends a program as it should, with code 42. */
export const LEAVE: Bytes = [CONST, 42, CALL, EXIT_F];

/** All that is computed is below 64. @param last what it does in the end */
export function referencesProgram(e: Encoding, last: Bytes): Uint8Array {
  const show = (code: Bytes): Bytes => [code, CALL, PRINT];
  const table = e === STANDARD ? [0x40, 0, e.ref, UNARY, 0, 3, REF_FUNC, ADD_7, END] : [e.refNull, UNARY, 0, 3];
  // The older V8 has no initialisers: its table gets the same elements from a segment.
  const filled =
    e === STANDARD ? [] : [[6, 0, CONST, 0, END, e.refNull, UNARY, 3, ...Array(3).fill([REF_FUNC, ADD_7, END])]];
  return moduleOf({
    types: [
      [[[I32]], [[I32]]],
      [[[I32], [I32], [I32], [I32]], [[I32]]],
      [[], [[I32]]],
      [[], []],
      [[[I32]], []],
      [[[e.refNull, UNARY], [I32]], [[I32]]],
      [[[e.ref, UNARY], [I32], [I32], [I32], [I32], [I32], [I32], [I32], [I32]], [[I32]]],
    ],
    imports: [
      [WASI, 'fd_write', WRITE],
      [WASI, 'sched_yield', YIELD],
      [WASI, 'proc_exit', EXIT],
    ],
    memory: true,
    data: [[0, '\u0010\0\0\0\u0001\0\0\0']],
    tables: [table],
    elements: [...filled, [3, 0, 3, ADD_7, TIMES_3, YIELD_F]],
    globals: [
      [e.refNull, UNARY, 1, REF_NULL, UNARY, END],
      [e.ref, UNARY, 0, REF_FUNC, TIMES_3, END],
      [e.ref, FUNC, 0, REF_FUNC, YIELD_F, END],
    ],
    functions: [
      { type: UNARY, code: [CALL, YIELD_F, DROP, GET, 0, CONST, 7, ADD] },
      { type: UNARY, code: [GET, 0, CONST, 3, MUL] },
      // print: the byte at 16, then fd_write(1, 0, 1, 8)
      {
        type: EXIT,
        code: [
          CONST,
          16,
          GET,
          0,
          CONST,
          48,
          ADD,
          STORE,
          2,
          0,
          CONST,
          1,
          CONST,
          0,
          CONST,
          1,
          CONST,
          8,
          CALL,
          WRITE_F,
          DROP,
        ],
      },
      // apply: with a local that has no value at first, below operands of references
      {
        type: APPLY,
        locals: [[1, [e.ref, UNARY]]],
        code: [
          GET,
          0,
          e.asNonNull,
          SET,
          2,
          GET,
          2,
          CALL,
          YIELD_F,
          DROP,
          GET,
          1,
          GET,
          2,
          CALL_REF,
          UNARY,
          SET,
          1,
          DROP,
          GET,
          1,
        ],
      },
      // the value through the reference, or 60 less the value when it is null
      {
        type: APPLY,
        code: [
          [BLOCK, e.ref, UNARY, GET, 0, e.brOnNonNull, 0, CONST, 60, GET, 1, SUB, RETURN, END],
          [SET, 0, GET, 1, GET, 0, RETURN_CALL_REF, UNARY],
        ],
      },
      // tail call through a reference, with arguments in slots on the way here
      { type: MANY, code: [GET, 1, GET, 8, ADD, GET, 0, RETURN_CALL_REF, UNARY] },
      // a block that br_on_null leaves with a value, below another operand
      {
        type: APPLY,
        code: [
          CONST,
          5,
          BLOCK,
          I32,
          CONST,
          2,
          GET,
          0,
          e.brOnNull,
          0,
          SET,
          0,
          DROP,
          GET,
          1,
          GET,
          0,
          CALL_REF,
          UNARY,
          END,
          ADD,
        ],
      },
      {
        type: NONE,
        code: [
          show([REF_FUNC, ADD_7, CONST, 1, CALL, APPLY_F]),
          show([GLOBAL_GET, 1, CONST, 4, CALL, APPLY_F]),
          show([REF_NULL, UNARY, CONST, 50, CALL, OR_MINUS]),
          show([REF_FUNC, TIMES_3, CONST, 5, CALL, OR_MINUS]),
          show([
            REF_FUNC,
            TIMES_3,
            CONST,
            2,
            CONST,
            0,
            CONST,
            0,
            CONST,
            0,
            CONST,
            0,
            CONST,
            0,
            CONST,
            0,
            CONST,
            9,
            CALL,
            TAIL,
          ]),
          show([REF_NULL, UNARY, CONST, 9, CALL, MIXED]),
          show([REF_FUNC, TIMES_3, CONST, 9, CALL, MIXED]),
          [CONST, 0, TABLE_GET, 0, GLOBAL_SET, 0, CONST, 1, REF_FUNC, TIMES_3, TABLE_SET, 0],
          show([GLOBAL_GET, 0, CONST, 2, CALL, APPLY_F]),
          show([CONST, 6, CONST, 1, TABLE_GET, 0, CALL_REF, UNARY]),
          show([CONST, 6, CONST, 2, 0x11, UNARY, 0]),
          show([GLOBAL_GET, 0, IS_NULL, IF, I32, CONST, 1, ELSE, CONST, 2, END]),
          last,
        ],
      },
    ],
    exports: { _start: 10 },
  });
}

/** Instructions that meet null where it cannot be, each with its name. */
export const TRAPS: readonly (readonly [string, Bytes])[] = [
  ['call_ref', [CONST, 1, REF_NULL, UNARY, CALL_REF, UNARY, DROP]],
  ['ref.as_non_null', [REF_NULL, UNARY, STANDARD.asNonNull, DROP]],
  [
    'ref.as_non_null of what is in a global',
    [GLOBAL_GET, 0, DROP, REF_NULL, UNARY, GLOBAL_SET, 0, GLOBAL_GET, 0, STANDARD.asNonNull, DROP],
  ],
];

/** Ends a program by a trap of another kind. */
export const FAIL: Bytes = [UNREACHABLE];
