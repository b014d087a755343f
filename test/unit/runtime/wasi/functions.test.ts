/** The table of preview 1 against what the host layer exports. */

import { describe, expect, it } from 'vitest';
import { loadHostModule } from '../../../../src/compile/link/host-module.js';
import { WASI_FUNCTIONS } from '../../../../src/runtime/wasi/functions.js';
import { decodeModule } from '../../../../src/wasm/decode.js';
import { ExternKind, ValType } from '../../../../src/wasm/module.js';
import { formatFuncType } from '../../../../src/wasm/text.js';

const host = decodeModule(loadHostModule(), 'host.wasm');

describe('preview 1', () => {
  it('has 46 functions', () => {
    expect(Object.keys(WASI_FUNCTIONS).length).toBe(46);
  });

  it.each(Object.entries(WASI_FUNCTIONS))('%s is exported with its type', (name, { params }) => {
    const found = host.exports.find((e) => e.name === name && e.kind === ExternKind.Func);
    expect(found).toBeDefined();
    const type = {
      params: Uint8Array.from(params, (letter) => (letter === 'I' ? ValType.I64 : ValType.I32)),
      results: Uint8Array.from(name === 'proc_exit' ? [] : [ValType.I32]),
    };
    expect(formatFuncType(host.types[host.funcTypes[found!.index]])).toBe(formatFuncType(type));
  });
});
