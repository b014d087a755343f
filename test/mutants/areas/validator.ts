/** The wasm validator and the reader below it: rules that only invalid modules reach. */

import type { Area } from '../mutant.js';

/** One module beside each rule: quick. */
const RULES = { tests: ['test/unit/wasm/rules.test.ts'] };

export const validator: Area = {
  name: 'validator',
  files: [
    {
      file: 'src/wasm/validate-control.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['operands.popList(immediates.startList);\n  openBlock', 'openBlock'],
        ['body.operands.pop(ValType.I32);\n  block', 'block'],
        ['operands.base = operands.height;\n  control.push', 'control.push'],
        ['if (control.kind[top] !== ControlKind.If) throw', 'if (false) throw'],
        ['operands.checkEmpty();', ''],
        ['control.unreachable[top] = 0;', '', RULES],
        ['kind === ControlKind.If && !lists.matches', 'false && !lists.matches'],
        ['operands.popList(list);\n  operands.pushList(list);', '', RULES],
        ['body.operands.popList(body.immediates.labelList());', 'body.immediates.labelList();', RULES],
        ['count > reader.end - reader.pos', 'false'],
        ['count > limits.branchTargets', 'count > limits.branchTargets + 1', RULES],
        ['arity !== lists.count(list)', 'false', RULES],
        ['operands.checkList(list);', '', RULES],
        ['i > 0 && list === checked', 'i > 0', RULES],
        ['body.operands.popList(body.control.endList[0]);', '', RULES],
      ],
    },
    {
      file: 'src/wasm/validate-calls.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['operands.pop(immediates.address);', 'operands.popAny();', RULES],
        ['operands.pop(reader.refTypes.named(true, typeIndex));', 'operands.popAny();'],
        ['body.operands.popList(paramList(typeIndex));', ''],
        ['!lists.matches(resultList(typeIndex), control.endList[0], operands.refTypes)', 'false'],
        ['callType(body, typeIndex);\n  body.setUnreachable();', 'callType(body, typeIndex);', RULES],
      ],
    },
    {
      file: 'src/wasm/validate-references.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['module.declaredFuncs[index] === 0', 'false'],
        ['if (!isRefType(expected)) throw', 'if (false) throw'],
        ['operands.popList(list);\n  operands.pushList(list);\n  operands.height--;', 'operands.height--;'],
      ],
    },
    {
      file: 'src/wasm/validate-parametric.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['operands.popAny();\n}\n\n/** select', '\n}\n\n/** select'],
        ['first !== second && first !== ANY && second !== ANY', 'false', RULES],
        ['first === ANY ? second : first', 'first', RULES],
        ['operands.pop(type);\n  operands.pop(type);', 'operands.pop(type);\n  operands.popAny();', RULES],
      ],
    },
    {
      file: 'src/wasm/validate-variables.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['index >= summary.localCount', 'index > summary.localCount', RULES],
        ['!module.globals[index].mutable', 'false'],
        ['type < FIRST_PLAIN_TYPE && body.unsetLocals.has(index)', 'false'],
        ['operands.pop(immediates.globalTypeOf(index));', 'operands.popAny();', RULES],
      ],
    },
    {
      file: 'src/wasm/validate-memory.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['a === ValType.I64 ? b : a', 'a', RULES],
        ['operands.popThree(address, ValType.I32, address);', 'operands.popThree(address, address, address);', RULES],
        [
          'operands.popThree(immediates.memoryAddress(), ValType.I32, ValType.I32);',
          'immediates.memoryAddress();\n  operands.popThree(ValType.I32, ValType.I32, ValType.I32);',
          RULES,
        ],
      ],
    },
    {
      file: 'src/wasm/validate-tables.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['if (operands.refTypes.matches(source, destination)) return;', 'return;'],
        ['immediates.elementType(reader.u32());', 'reader.u32();', RULES],
        ['checkItems(body, immediates.tableTypeOf(table), immediates.elementType(segment));', '', RULES],
      ],
    },
    {
      file: 'src/wasm/validate-typed.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['immediates.alignment !== alignmentOf[index]', 'immediates.alignment > alignmentOf[index]', RULES],
        ['immediates.lane(32)', 'immediates.lane(33)'],
        ['reader.zero();', 'reader.u8();'],
        ['16 >> alignment!', '32 >> alignment!', RULES],
      ],
    },
    {
      file: 'src/wasm/validate-exceptions.ts',
      tests: ['test/unit/wasm/validate-exceptions.test.ts', 'test/unit/wasm/conformance.test.ts'],
      changes: [
        ['kind !== ControlKind.Catch && kind !== ControlKind.CatchAll', 'kind === ControlKind.Block'],
        ['kind > CatchKind.CatchAllRef', 'false', RULES],
        ['count > limits.catches', 'count > limits.catches + 1', RULES],
        ['lists.count(label) === count + (withReference ? 1 : 0)', 'lists.count(label) >= count', RULES],
        ['matches = refTypes.matches(types[start[payload] + i], types[start[label] + i]);', '', RULES],
        ['if (matches && withReference) matches', 'if (false) matches'],
        ['kind !== ControlKind.Try && kind !== ControlKind.Catch)', 'kind === ControlKind.Block)', RULES],
        ['control.kind[control.depth - 1] !== ControlKind.Try', 'false', RULES],
        ['immediates.label(1);', 'immediates.label();', RULES],
        ['body.operands.pop(ValType.ExnRef);', 'body.operands.popAny();'],
      ],
    },
    {
      file: 'src/wasm/operand-stack.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['needed > limits.operands', 'needed > limits.operands + 100000'],
        [
          'else if (!this.isPolymorphic()) throw this.mismatch(`expected',
          'else if (false) throw this.mismatch(`expected',
        ],
        ["if (!this.isPolymorphic()) throw this.mismatch('found nothing');", ''],
        ['if (this.height === this.base) return;', 'return;'],
        ['if (count > 1) this.pop(operand1Of[index]);', 'if (count > 1) this.popAny();'],
        ['if (count > 2) this.pop(operand2Of[index]);', 'if (count > 2) this.popAny();', RULES],
      ],
    },
    {
      file: 'src/wasm/validate-casts.ts',
      tests: ['test/unit/wasm/later.test.ts'],
      only: 'casts',
      changes: [
        ['operands.pop(operands.refTypes.top(reader.refTypes.read(reader, nullable)));', 'operands.popAny();'],
        ['flags > (SOURCE_NULLABLE | TARGET_NULLABLE)', 'false'],
        ['!refTypes.matches(target, source)', 'false'],
        ['lists.count(list) === 0', 'false'],
        ['refTypes.isNullable(target) ? refTypes.nonNull(source) : source', 'source'],
        ['refTypes.isNullable(target) ? refTypes.nonNull(source) : source', 'refTypes.nonNull(source)'],
        ['operands.push(onFailure ? target : rest)', 'operands.push(rest)'],
      ],
    },
    {
      file: 'src/wasm/immediates.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['frame < 0', 'frame < -1'],
        ['if (index >= module.types.length)', 'if (index > module.types.length)', RULES],
        ['index >= this.globalTypes.length', 'index > this.globalTypes.length', RULES],
        ['index >= tags.length', 'index > tags.length', RULES],
        ['count !== 1', 'count < 1', RULES],
        ['index >= this.tableTypes.length', 'index > this.tableTypes.length', RULES],
        ['!this.module.refTypes.matches(this.tableTypeOf(table), ValType.FuncRef)', 'false', RULES],
        ['typeIndex >= this.module.types.length', 'typeIndex > this.module.types.length', RULES],
        ['index >= this.memoryAddresses.length', 'index > this.memoryAddresses.length'],
        ['flags >= 2 * EXPLICIT_MEMORY', 'false', { tests: ['test/unit/wasm/later.test.ts'] }],
        ['alignment > alignmentOf[op]', 'alignment > alignmentOf[op] + 1', RULES],
        ['dataCount === undefined', 'false', RULES],
        ['index >= dataCount', 'index > dataCount', RULES],
        ['lane >= count', 'lane > count'],
        ['index >= this.elementTypes.length', 'index > this.elementTypes.length', RULES],
        ['if (index < 0) throw reader', 'if (false) throw reader'],
      ],
    },
    {
      file: 'src/wasm/validate-module.ts',
      tests: ['test/unit/wasm/decode.test.ts', 'test/unit/wasm/reader.test.ts', 'test/unit/wasm/conformance.test.ts'],
      changes: [
        ['type.max !== undefined && type.min > type.max', 'false', RULES],
        ['above.isOpen === true &&', '', { tests: ['test/unit/wasm/subtypes.test.ts'] }],
        ['params.length === wanted.params.length &&', '', { tests: ['test/unit/wasm/subtypes.test.ts'] }],
        [
          'refTypes.matches(wanted.params[i], type)',
          'refTypes.matches(type, above.params[i])',
          { tests: ['test/unit/wasm/subtypes.test.ts'] },
        ],
        ['pageSize !== 1 && pageSize !== WASM_PAGE', 'false', { tests: ['test/unit/wasm/page-sizes.test.ts'] }],
        [
          'pageSize === 1 ? 2 ** 32 - 1 : 65_536',
          'pageSize === 1 ? 2 ** 32 : 65_536',
          { tests: ['test/unit/wasm/page-sizes.test.ts'] },
        ],
        ['(min * pageSize) / WASM_PAGE', 'min', { tests: ['test/unit/wasm/page-sizes.test.ts'] }],
        ['type.min > limits.tableElements', 'false'],
        [
          'this.tables.length >= limits.tables',
          'this.tables.length > limits.tables',
          { tests: ['test/unit/wasm/limits.test.ts'], only: 'above: tables' },
        ],
        [
          'this.globals.length >= limits.globals',
          'this.globals.length > limits.globals',
          { tests: ['test/unit/wasm/limits.test.ts'], only: 'above: globals' },
        ],
        [
          'pages > limits.memoryPages',
          'type.min > limits.memoryPages + 1',
          { tests: ['test/unit/wasm/limits.test.ts'], only: 'above: memoryPages' },
        ],
        ['else if (!this.refTypes.isNullable(type.element))', 'else if (false)', RULES],
        ['min > most || (', '(', RULES],
        ['(max !== undefined && max > most)', 'false', RULES],
        ['this.memories.length >= limits.memories', 'this.memories.length > limits.memories', RULES],
        ['this.types[typeIndex].results.length > 0', 'false', RULES],
        ['if (!this.refTypes.matches(actual, type))', 'if (false)', RULES],
        ['if (actual === step.type) continue;', 'if (actual !== undefined) continue;', RULES],
        ['stack.length > 1', 'false', RULES],
        ['if (mutable) throw', 'if (false) throw', RULES],
        ['if (this.exportNames.has(name)) throw', 'if (false) throw', RULES],
        ['params.length > 0 || results.length > 0', 'params.length > 0', RULES],
        ['if (!this.refTypes.matches(type, table.element))', 'if (false)', RULES],
        ['this.constant(tableOffset, table.address, offset);', '', RULES],
        [
          'this.constant(memoryOffset, this.memory(memory, offset).address, offset);',
          'this.memory(memory, offset);',
          RULES,
        ],
        ['if (index >= count) throw', 'if (index > count) throw'],
      ],
    },
    {
      file: 'src/wasm/read-types.ts',
      tests: ['test/unit/wasm/limits.test.ts'],
      only: 'above: function',
      changes: [
        [
          'log > MAX_PAGE_SIZE_LOG',
          'log > MAX_PAGE_SIZE_LOG + 1',
          { tests: ['test/unit/wasm/page-sizes.test.ts'], only: '1 and 65536' },
        ],
        ['if (count > limits[limit]) throw', 'if (count > limits[limit] + 1) throw'],
        [
          'if (size > limits.nameBytes) throw',
          'if (size > limits.nameBytes + 1) throw',
          { tests: ['test/unit/wasm/limits.test.ts'], only: 'nameBytes' },
        ],
        [
          'if (size > limits.nameBytes) throw',
          'if (reader.pos - offset > limits.nameBytes) throw',
          { tests: ['test/unit/wasm/limits.test.ts'], only: 'nameBytes' },
        ],
        ["readValTypes(reader, 'functionResults'));", "readValTypes(reader, 'functionParams'));"],
      ],
    },
    {
      file: 'src/wasm/sections.ts',
      tests: ['test/unit/wasm/limits.test.ts'],
      only: 'above: functions',
      changes: [
        ['if (imported + count > limits.functions) throw', 'if (count > limits.functions) throw'],
        [
          'if (size > limits.functionBytes) throw',
          'if (size > limits.functionBytes + 1) throw',
          { only: 'above: functionBytes' },
        ],
      ],
    },
    {
      file: 'src/wasm/type-section.ts',
      tests: ['test/unit/wasm/subtypes.test.ts'],
      changes: [
        ['supertypes.length > 1', 'false'],
        ['supertype >= index', 'supertype > index'],
        ['form === SUB ? { isOpen: true }', 'form !== SUB ? { isOpen: true }'],
        [
          'first + size > limits.types',
          'size > limits.types',
          { tests: ['test/unit/wasm/limits.test.ts'], only: 'above: types' },
        ],
        ['context.subtype(first + i, at);', ';'],
      ],
    },
    {
      file: 'src/wasm/import-section.ts',
      tests: ['test/unit/wasm/imports.test.ts'],
      changes: [
        ["name === '' ?", 'true ?'],
        ['add(parts, module, item,', "add(parts, module, '',"],
        ['add(parts, module, readName(reader), type, offset);', 'readName(reader);'],
        [
          'imports.length >= limits.imports',
          'imports.length > limits.imports',
          { tests: ['test/unit/wasm/limits.test.ts'], only: 'above: imports' },
        ],
      ],
    },
    {
      file: 'src/wasm/const-expr.ts',
      tests: ['test/unit/wasm/limits.test.ts'],
      only: 'constantInstructions',
      changes: [
        ['steps.push(step) > limits.constantInstructions', 'steps.push(step) > limits.constantInstructions + 1'],
      ],
    },
    {
      file: 'src/wasm/reader.ts',
      tests: ['test/unit/wasm/decode.test.ts', 'test/unit/wasm/reader.test.ts', 'test/unit/wasm/conformance.test.ts'],
      changes: [
        ["if (byte > 0x0f) throw this.malformed('integer too large', start);", ''],
        [
          "if (byte >= 0x80) throw this.malformed('integer representation too long', start);\n    if (byte > 0x0f)",
          'if (byte > 0x8f)',
        ],
        ['byte !== 0 && byte !== 0x7f', 'false'],
        ['pos + 4 > this.end', 'pos + 3 > this.end'],
        [
          'count > this.end - this.pos',
          'count > this.end - this.pos + 1',
          { tests: ['test/unit/wasm/reader.test.ts'] },
        ],
        ['if (this.u8() !== 0)', 'if (this.u32() !== 0)'],
        ['length > this.end - start', 'length > this.end'],
        ['{ fatal: true, ignoreBOM: true }', '{ fatal: true }'],
        ['{ fatal: true, ignoreBOM: true }', '{ ignoreBOM: true }'],
        ['if (this.pos >= this.end) throw', 'if (this.pos > this.end) throw'],
      ],
    },
    {
      file: 'src/wasm/validate.ts',
      tests: [
        'test/unit/wasm/validate.test.ts',
        'test/unit/wasm/conformance.test.ts',
        'test/unit/wasm/references.test.ts',
      ],
      changes: [
        ['count > limits.locals', 'count > limits.locals + 1'],
        ['if (reader.pos !== end) throw', 'if (false) throw'],
        ['if (!isDefaultable(reader.refTypes, type)) unsetLocals.declare(count, end);', ''],
        ['if (reader.pos >= end) {', 'if (reader.pos > end) {', RULES],
      ],
    },
  ],
};
