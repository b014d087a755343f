/** Components: how their program is found, and what is left out of it. */

import type { Area } from '../mutant.js';

const TYPES = { tests: ['test/e2e/component-types.test.ts'], slow: true };
/** Programs that call WASI 0.2 themselves. */
const NATIVE = {
  tests: ['test/e2e/component.test.ts'],
  only: 'a component that calls WASI 0.2 itself',
  slow: true,
};

/** Core instances whose segments wait for start functions. */
const START = { tests: ['test/e2e/component-start.test.ts'], slow: true };
/** Which memory and realloc a call has. */
const REALLOC = { tests: ['test/e2e/component-realloc.test.ts'], slow: true };
/** What the interfaces do, in V8. */
const HOST = { tests: ['test/unit/runtime/interfaces.test.ts'] };

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
        ['start !== undefined && instance !== adapter', 'false'],
        ['|| owner.instance === main', '|| false'],
        ['if (run.options.postReturn !== undefined) throw', 'if (false) throw'],
      ],
    },
    {
      file: 'src/wasm/component/core-functions.ts',
      tests: ['test/unit/wasm/component/command.test.ts'],
      changes: [
        ['reader.u8() !== Op.LocalGet || reader.u32() !== i', 'reader.u8() !== Op.LocalGet && reader.u32() !== i'],
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
        ['declared !== undefined && !declared.has(name)', 'false', TYPES],
      ],
    },
    {
      file: 'src/wasm/component/instance-budget.ts',
      tests: ['test/unit/wasm/component/command.test.ts', 'test/unit/wasm/component/types.test.ts'],
      changes: [
        ['if (this.size <= most) return;', 'return;'],
        ['if (++this.instances > limits.coreInstances) throw', 'if (false) throw'],
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
        ['if (names.some((name, i) => name !== OLD[i])) return true;', ''],
        ['if (reader.u8() !== ExternKind.Func) return false;', 'reader.u8();'],
        ['module === OLD[0] && name === OLD[1] ? NEW : [module, name]', '[module, name]'],
        ['to.append(bytes, end);', ''],
      ],
    },
    {
      file: 'src/wasm/component/check-types.ts',
      tests: ['test/unit/wasm/component/types.test.ts'],
      changes: [
        ['if (found === expected) continue;', 'continue;'],
        ['if (is !== wanted) throw', 'if (false) throw'],
        ["this.checkCore('post-return', postReturn, type, offset);", ''],
        ['if (realloc !== undefined) this', 'if (false) this'],
        ["needsMemory && memory === undefined ? 'memory' :", ''],
        ["needsRealloc && realloc === undefined ? 'realloc' :", ''],
        ['this.checkOptions(name, signature, options, offset);', ''],
      ],
    },
    {
      file: 'src/wasm/component/flatten.ts',
      tests: ['test/unit/wasm/component/types.test.ts'],
      changes: [
        ['types.length + part.types.length > MAX_FLAT_PARAMS', 'types.length + part.types.length >= MAX_FLAT_PARAMS'],
        ['(a === I32 && b === F32)', 'false'],
        ["isFlat || of === 'lift' ? given1", 'isFlat ? given1'],
      ],
    },
    {
      file: 'src/wasm/component/type-memo.ts',
      tests: ['test/unit/wasm/component/types.test.ts'],
      changes: [
        ['this.known.set(type, computed);', '', { slow: true }],
        ['if (++this.depth > limits.componentDepth) throw', 'if (false) throw'],
      ],
    },
    {
      file: 'src/wasm/component/type-text.ts',
      tests: ['test/unit/wasm/component/types.test.ts'],
      changes: [
        ['RESOURCES.get(withoutVersion(from.name)) ?? cut(from.name)', "from.name.slice(from.name.indexOf(' ') + 1)"],
        ['NAMED.get(text) ?? text', 'text'],
      ],
    },
    {
      file: 'src/wasm/component/type-space.ts',
      tests: ['test/unit/wasm/component/types.test.ts'],
      changes: [
        ['if (index >= before) throw', 'if (false) throw'],
        ['if (index < before && index < this.space.length)', 'if (index < this.space.length)'],
      ],
    },
    {
      file: 'src/wasm/component/native.ts',
      tests: ['test/unit/wasm/component/command.test.ts', 'test/e2e/component.test.ts'],
      changes: [
        [
          "this.interfaceFunction(own) ?? this.interfaceFunction('resource_drop_other')!",
          "this.interfaceFunction('resource_drop_pollable')!",
          { tests: ['test/e2e/component-drop.test.ts'] },
        ],
        ['FUNCTIONS.has(`${interfaceName} ${func}`) ?', 'true ?'],
        ["if (type === '() -> result') {", '{', TYPES],
        ["this.missing.add(path.join(' '));", ''],
        ['same(one.realloc, realloc)', 'true', REALLOC],
        ["if (item.func.kind === 'lift') {", 'if (false) {'],
        ['this.thunk(lowering(own, { params, results }, found, -1))', 'found', REALLOC],
      ],
      equivalent: [
        [
          'memory === undefined ? -1 : this',
          'memory === undefined ? 0 : this',
          'check-types.ts refuses what is lowered without a memory that its type needs, and others use none',
        ],
      ],
    },
    {
      file: 'src/wasm/component/made-functions.ts',
      tests: ['test/unit/wasm/component/command.test.ts', 'test/e2e/component.test.ts'],
      changes: [
        ['opcode(to, Op.I32GtU);', 'opcode(to, Op.I32Eq);', TYPES],
        ['call(to, maps, postReturn);', 'opcode(to, Op.Drop);', TYPES],
        ['constant(to, i);', 'constant(to, 0);', REALLOC],
        ['ifServed(to, firstGlobal, MAY_NOT_LEAVE);', 'ifServed(to, firstGlobal, MAY_NOT_LEAVE - 1);', REALLOC],
        [
          'constant(to, MAY_NOT_LEAVE);\n    opcode(to, Op.GlobalSet);\n    to.unsigned(firstGlobal);\n    constant(to, 0);',
          'constant(to, i);\n    opcode(to, Op.GlobalSet);\n    to.unsigned(firstGlobal);\n    constant(to, 0);',
          REALLOC,
        ],
        [
          'constant(to, MAY_NOT_LEAVE);\n    opcode(to, Op.GlobalSet);\n    to.unsigned(firstGlobal);\n    getLocal(to, 0);',
          'constant(to, -1);\n    opcode(to, Op.GlobalSet);\n    to.unsigned(firstGlobal);\n    getLocal(to, 0);',
          TYPES,
        ],
        ['checkSizes(to, module, maps[instance]);', '', START],
        ['if (entry.kind === ExternKind.Memory) checkSize', 'if (false) checkSize', START],
        ['constant(to, min | 0);', 'constant(to, (min | 0) + 1);', START],
        ['constant(to, 0);\n    constant(to, 0);', 'constant(to, 1);\n    constant(to, 0);', REALLOC],
        ["name === 'to_component' ? other : own", 'own'],
      ],
    },
    {
      file: 'src/wasm/merge/merge.ts',
      tests: ['test/unit/wasm/merge.test.ts'],
      changes: [
        ['elements += module.elements.length;', ''],
        ['datas += module.datas.length;', ''],
        ['checkMatch(instances[binding.instance].module, binding.index, entry, importer);', ''],
      ],
    },
    {
      file: 'src/wasm/merge/match.ts',
      ...START,
      changes: [
        ['found.max ?? Number', 'Number'],
        ['mayGrow ? (', 'true ? ('],
        ['fits(table, entry.table, waits)', 'fits(table, entry.table, false)'],
      ],
    },
    {
      file: 'src/wasm/merge/segments.ts',
      ...START,
      changes: [
        ['constant(to, length);', 'constant(to, length - 1);'],
        ['opcode(to, Op.DataDrop);\n    to.unsigned(index);', ''],
        ["segment.mode === 'declarative' ? 7 : 5", '5'],
        ["segment.mode === 'active' && waits !== true", "segment.mode === 'active'"],
        [
          'if (exported.length > 0) segments.push',
          'if (false) segments.push',
          { tests: ['test/unit/wasm/merge.test.ts'], only: 'exported', slow: true },
        ],
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
        ['if (got == 0) return -EPIPE;', ''],
        ['setPosition(stream, CLOSED);', '', HOST],
        ['if (position == CLOSED) return -EPIPE;', '', HOST],
        ['if (position == CLOSED) return EPIPE;', '', HOST],
        ['  checkList(from, length);\n', '', HOST],
        ['heldBy(source, Kind.Input);', '', HOST],
        ['if (length > permit) unreachable();', '', HOST],
        ['setPermit(stream, permit - length);', '', HOST],
        ['if (<u64>length > BLOCKING_MOST) unreachable();', '', HOST],
        ['if (length > BLOCKING_MOST) unreachable();', '', HOST],
        ['  usePermit(stream, length);\n', '', HOST],
        ['if (position != SEQUENTIAL) setPosition(stream, position + <i64>got);', ''],
      ],
    },
    {
      file: 'src/runtime/interfaces/filesystem.ts',
      ...HOST,
      changes: [
        ['const INVALID: u8 = 12;', 'const INVALID: u8 = 16;'],
        ['if (offset < 0) giveError(to, WORD, INVALID);\n  else ', ''],
        ['load<u8>(found) == DIRECTORY) giveError', 'false) giveError'],
        ['if (<u32>advice > NO_REUSE) unreachable();', ''],
        ['const otherFd = fdOf(other);', 'const otherFd = fd;'],
        ['if (!isText(buffer + DIRENT', 'if (false && !isText(buffer + DIRENT'],
      ],
    },
    {
      file: 'src/runtime/interfaces/memory.ts',
      ...HOST,
      changes: [['  checkAlignment(to, alignment);\n', '']],
    },
    {
      file: 'src/runtime/interfaces/text.ts',
      ...HOST,
      changes: [
        ['first < 0xc2 ||', ''],
        ['at + 1 >= end ||', ''],
        ['at + i >= end ||', ''],
        ['return -(<i32>i);', 'return -1;'],
        ['first == 0xe0 ? 0xa0 :', ''],
        ['first == 0xf0 ? 0x90 :', ''],
        ['first == 0xed ? 0x9f :', ''],
        ['first == 0xf4 ? 0x8f :', ''],
        ['if (!isText(to, length)) unreachable();', ''],
      ],
    },
    {
      file: 'src/runtime/interfaces/times.ts',
      ...HOST,
      changes: [
        ['return isTooLate ? EOVERFLOW : 0;', 'return 0;'],
        ['modifiedKind == TIMESTAMP && modified >= MAX_SECONDS', 'false'],
        ['<u32>accessedKind > <u32>TIMESTAMP ||', ''],
      ],
    },
    {
      file: 'src/runtime/interfaces/sockets.ts',
      ...HOST,
      changes: [
        ['heldBy(network, Kind.Network);', ''],
        ['heldBy(error, Kind.Error);', ''],
      ],
    },
    {
      file: 'src/runtime/interfaces/cli.ts',
      ...HOST,
      changes: [
        ['if (<u32>status > 1) unreachable();', ''],
        ['return (load<u64>(found, 8) & RIGHT_SEEK_TELL) == 0;', 'return true;'],
      ],
    },
    {
      file: 'src/runtime/interfaces/results.ts',
      tests: NATIVE.tests,
      only: NATIVE.only,
      slow: true,
      changes: [
        ['store<u32>(area, value, 4);', 'store<u32>(area, value, 8);'],
        ['  checkAlignment(to, alignment);\n', '', HOST],
        ['  checkAlignment(to, payload);\n', '', HOST],
        ['store<u32>(area, <u32>length, 8);', 'store<u32>(area, <u32>length, 4);'],
        ['store<u8>(area + payload, STREAM_CLOSED);', ''],
        ['to_component(to + payload, area + payload, 1);', ''],
      ],
    },
    {
      file: 'src/runtime/interfaces/errors.ts',
      tests: NATIVE.tests,
      only: NATIVE.only,
      slow: true,
      changes: [['load<u8>(CODES + <usize>errno) : IO', 'IO : IO']],
    },
    {
      file: 'src/runtime/interfaces/handles.ts',
      tests: NATIVE.tests,
      only: NATIVE.only,
      slow: true,
      changes: [
        ['store<i64>(at, position, 8);', ''],
        ['store<i32>(at, value, 4);', 'store<i32>(at, 0, 4);'],
        ['if (left == 0 && value > 2) fd_close(value);', '', HOST],
        ['left == 0 && value > 2', 'value > 2', HOST],
        ['left == 0 && value > 2', 'left == 0', HOST],
        ['store<u64>(at, 0, 16);', '', HOST],
        [
          'if (kindOf(handle) != kind) unreachable();\n  const at',
          'const at',
          { tests: ['test/e2e/component-drop.test.ts'], slow: true },
        ],
      ],
    },
    {
      file: 'src/runtime/interfaces/clocks.ts',
      tests: NATIVE.tests,
      only: NATIVE.only,
      slow: true,
      changes: [
        ['store<u64>(area, nanoseconds / SECOND);', 'store<u64>(area, nanoseconds);', HOST],
        ['now + duration < now ? u64.MAX_VALUE : now + duration', 'now'],
        ['giveList(to, list, size);', 'giveList(to, list, size + 1);'],
      ],
    },
    {
      file: 'src/runtime/wasi/process.ts',
      tests: ['test/e2e/component.test.ts'],
      changes: [['proc_exit(code == 0 ? 0 : 1)', 'proc_exit(code)']],
    },
  ],
};
