/** Components: how their program is found, and what is left out of it. */

import type { Area } from '../mutant.js';

export const component: Area = {
  name: 'component',
  files: [
    {
      file: 'src/wasm/component/command.ts',
      tests: ['test/unit/wasm/component/command.test.ts'],
      changes: [
        ['({ name }) => !OF_WASI.test(name)', '() => false'],
        ['kind !== ExternKind.Func || from !== PREVIEW1', 'kind !== ExternKind.Func'],
        ['found.index !== exported.get(name)', 'false'],
        ["found.func.kind === 'import'", 'true'],
        ['if (this.functions.module(instance).start === undefined) continue;', 'continue;'],
      ],
    },
    {
      file: 'src/wasm/component/core-functions.ts',
      tests: ['test/unit/wasm/component/command.test.ts'],
      changes: [
        ['reader.u8() !== LOCAL_GET || reader.u32() !== i', 'reader.u8() !== LOCAL_GET && reader.u32() !== i'],
        ['offset.lo + i, { instance', 'offset.lo + 1 - i, { instance'],
      ],
    },
    {
      file: 'src/wasm/component/instantiate.ts',
      tests: ['test/unit/wasm/component/decode.test.ts'],
      changes: [
        ['if (exports.has(name)) throw', 'if (false) throw'],
        ['if (this.imports.has(name)) throw', 'if (false) throw'],
        ['if (given.sort !== sort)', 'if (false)'],
        ['(this.left -= definitions.length) < 0', 'false'],
        ['if (index < space.length) return', 'return'],
      ],
    },
    {
      file: 'src/wasm/component/decode.ts',
      tests: ['test/unit/wasm/component/decode.test.ts'],
      changes: [
        ['if (section.pos !== section.end) throw', 'if (false) throw'],
        ['if (depth > limits.componentDepth) throw', 'if (false) throw'],
        ['if (version !== VERSION) throw', 'if (false) throw'],
      ],
    },
    {
      file: 'src/wasm/component/flatten-exit.ts',
      tests: ['test/unit/wasm/component/command.test.ts'],
      changes: [
        ['Uint8Array.from(bytes)', 'bytes'],
        ['if (names.some((name, i) => name !== OLD[i])) return;', ''],
      ],
    },
    {
      file: 'src/wasm/component/native.ts',
      tests: ['test/unit/wasm/component/command.test.ts', 'test/e2e/component.test.ts'],
      changes: [
        ["if (item.func.kind === 'lift') throw", 'if (false) throw'],
        ['if (size <= most) return;', 'return;'],
        ["name === 'to_component' ? other : own", 'own'],
      ],
    },
    {
      file: 'src/wasm/merge/merge.ts',
      tests: ['test/unit/wasm/merge.test.ts'],
      changes: [
        ['elements += module.elements.length;', ''],
        ['datas += module.datas.length;', ''],
        ['checkMatch(instances[binding.instance].module, binding.index, entry, from, file);', ''],
      ],
    },
    {
      file: 'src/wasm/merge/rewrite-body.ts',
      tests: ['test/unit/wasm/merge.test.ts'],
      changes: [
        ['if (memory !== 0 || isExplicit) {', 'if (isExplicit) {'],
        ["if (index >= 0) this.replace(start, this.mapped(this.maps.types, index, 'type'), true);", ''],
      ],
    },
    {
      file: 'src/runtime/interfaces/streams.ts',
      tests: ['test/e2e/component.test.ts'],
      changes: [
        ['if (got == 0) return giveClosed(to, WORD);', ''],
        ['setPosition(stream, position + <i64>got);', ''],
      ],
    },
    {
      file: 'src/runtime/wasi/process.ts',
      tests: ['test/e2e/component.test.ts'],
      changes: [['proc_exit(code == 0 ? 0 : 1)', 'proc_exit(code)']],
    },
  ],
};
