/**
 * Restore's checks against the module: frames, values, call chain, instances, references, files. Hostile input reaches
 * them.
 */

import type { Area } from '../mutant.js';

export const restore: Area = {
  name: 'restore',
  files: [
    {
      file: 'src/restore/lower.ts',
      tests: ['test/unit/restore/lower.test.ts'],
      only: 'refuses',
      changes: [
        ["(site.kind === 'call') === isFirst", "site.kind === 'call' && isFirst", { open: true }],
        [
          'if (types[n] !== UNKNOWN_TYPE) this.checkReference(frame, n, types[n], lo, hi);\n        continue;',
          'continue;',
          { tests: ['test/unit/restore/null-references.test.ts'], open: true },
        ],
        [
          'if (types[n] !== UNKNOWN_TYPE) this.checkReference(frame, n, types[n], lo, hi);\n      if (reference)',
          'if (reference)',
          { tests: ['test/unit/restore/null-references.test.ts'] },
        ],
        [
          'if (i > 0 && isFirst) chain.checkHook(sites[siteOf[i - 1]], i - 1);\n    else if',
          'if (i > 0 && isFirst) continue;\n    else if',
          { tests: ['test/wasi/restored.test.ts'], only: 'no hook' },
        ],
        ['chain.checkBottom(sites[siteOf[count - 1]], snapshot, count - 1);', ''],
        ['siteOf[i - 1] * sites.length + index', 'index'],
        ['siteOf[i - 1] * sites.length + index', 'siteOf[i - 1]'],
        ['size > STACK_LIMIT', 'size > STACK_LIMIT + 4096'],
        ['lo !== other[at] ||', ''],
        [
          '(shape[n] !== Shape.Narrow && hi !== other[at + 1])',
          'false',
          { tests: ['test/unit/restore/frame-values.test.ts'], only: '' },
        ],
        ['values[from + 2] !== other[at + 2] ||', '', { tests: ['test/unit/restore/vectors.test.ts'] }],
        ['|| values[from + 3] !== other[at + 3]', '', { tests: ['test/unit/restore/vectors.test.ts'] }],
        [
          'shape[n] === Shape.Reference || shape[n] === Shape.Exception',
          'shape[n] === Shape.Reference',
          { only: 'an exception' },
        ],
        ['kind === Put.EqualsValue || kind === Put.EqualsConstant', 'kind === Put.EqualsConstant'],
        [
          'this.references.place(type, lo, hi,',
          'this.references.place(type, lo, hi && 1,',
          { tests: ['test/unit/restore/frame-values.test.ts'], only: '' },
        ],
      ],
    },
    {
      file: 'src/restore/frame-recipe.ts',
      tests: ['test/unit/restore/lower.test.ts'],
      only: 'refuses',
      changes: [
        ['if (module === undefined) throw', 'if (module === null) throw'],
        ['site.func >= module.funcTypes.length', 'site.func > module.funcTypes.length'],
        ['site.func < module.importedFuncCount', 'site.func + 1 < module.importedFuncCount'],
        ["if (site.kind === 'trap')", 'if (false)'],
        ['row < 0', 'row < -1'],
        ["checkTypes('locals', site.locals, locals, fault);", ''],
        ["checkTypes('operands', site.operands, operands, fault);", ''],
        ['types.length === expected.length &&', ''],
        ['types[i] === type', 'types.length > 0'],
        ['[...map.operands, ...map.results]', 'map.operands', { only: '' }],
        [
          'type === ValType.I32 || type === ValType.F32 ?',
          'type === ValType.I32 ?',
          { tests: ['test/unit/restore/frame-values.test.ts'], only: '' },
        ],
      ],
    },
    {
      file: 'src/restore/resolve-function.ts',
      tests: ['test/unit/restore/lower.test.ts'],
      only: 'refuses',
      changes: [
        ['func >= functions.imported', 'func > functions.imported'],
        [
          'functions.links[func * 2] - FIRST_GUEST, func: functions',
          'instance, func: functions',
          { tests: ['test/unit/restore/linked-instances.test.ts'] },
        ],
      ],
    },
    {
      file: 'src/restore/hook.ts',
      tests: ['test/wasi/snapshot.test.ts'],
      changes: [
        ['if (hook === undefined || inHook) return', 'if (hook === undefined) return', { only: 'not called again' }],
        ['(asks(0) ? PLAN_HOOK_CAPTURED : 0) |', '0 |', { only: 'not called again' }],
        ['(asks(suspended) ? PLAN_GUEST_CAPTURED : 0)', '0', { only: 'each call has the answer' }],
        ["kind === 'entry' ? importOf", "kind === 'loop' ? importOf", { only: 'on either CPU' }],
        ['...(pendingTimeout === undefined ? {} : { pendingTimeout }),', '', { only: 'its own time' }],
        ['host.suspended?.call ?? (', '(', { only: 'with its number' }],
        ['embedder: embedder && { ...embedder, isPending: false },', '', { only: 'with its number' }],
      ],
    },
    {
      file: 'src/restore/call-chain.ts',
      tests: ['test/unit/restore/lower.test.ts'],
      only: 'refuses',
      changes: [
        ['opcode === Op.Call || opcode', 'opcode'],
        ['const INDIRECT: readonly number[] = [Op.CallIndirect,', 'const INDIRECT: readonly number[] = ['],
        ['if (!this.references.has(inner.instance, inner.func))', 'if (false)'],
        [
          'isFuncSubtype(this.typeOf(inner), owner.types, type)',
          'type.params.length === this.typeOf(inner).params.length',
          { tests: ['test/unit/restore/frame-values.test.ts'], only: '' },
        ],
        [
          'if (called.instance !== actual.instance) return false;',
          '',
          { tests: ['test/unit/restore/linked-instances.test.ts'] },
        ],
        ['if (called.func === actual.func) return true;', 'return true;'],
        ['!isImport && ', '', { tests: ['test/unit/restore/tail-calls.test.ts'] }],
        ['if (!this.leadsTo(target, site))', 'if (false)'],
        ['func === undefined', 'module === undefined'],
      ],
      equivalent: [
        [
          'type.params.length + type.results.length > 0',
          'false',
          'the validator lets a start function have neither, and entryFunction takes no other',
        ],
      ],
    },
    {
      file: 'src/restore/tail-calls.ts',
      tests: ['test/unit/restore/tail-calls.test.ts'],
      changes: [
        ['results(calledModule, called).join() !== results(actualModule, actual).join()', 'false'],
        ['if (!usesTailCalls(actualModule)) return false;', ''],
        ['?? Infinity) <= reserved', '?? Infinity) <= reserved + 1'],
        ['Math.max(this.slots.get(erasedKey(called)) ?? 0, this.tailSlots)', 'this.tailSlots'],
        ['Op.ReturnCallIndirect, ', ''],
      ],
    },
    {
      file: 'src/wasm/some-instruction.ts',
      tests: ['test/unit/restore/tail-calls.test.ts'],
      changes: [['readValType(reader);', '']],
    },
    {
      file: 'src/restore/placed-references.ts',
      tests: [
        'test/unit/restore/instance-data.test.ts',
        'test/unit/restore/lower.test.ts',
        'test/unit/restore/typed-references.test.ts',
      ],
      changes: [
        ['record < 0 || elsewhere', 'record < 0', { tests: ['test/unit/restore/linked-instances.test.ts'] }],
        ['if (lo === 0) return 0;', 'return 0;'],
        ['hi !== 0 || lo > this.exceptions.length', 'lo > this.exceptions.length'],
        ['lo > this.exceptions.length', 'lo > this.exceptions.length + 1'],
        ['this.exceptions[lo - 1]', 'this.exceptions[lo]'],
        ['if (record) return record;', 'if (record !== undefined) return record;'],
      ],
    },
    {
      file: 'src/restore/reference-type.ts',
      tests: ['test/unit/restore/typed-references.test.ts'],
      changes: [
        ['if (refTypes.isNullable(type)) return;', 'return;'],
        ['if (!nullOnly) return;', 'return;', { tests: ['test/unit/restore/null-references.test.ts'] }],
        ['if (wanted < 0 && !nullOnly)', 'if (wanted < 0)', { tests: ['test/unit/restore/null-references.test.ts'] }],
        ['isFuncSubtype(owner.types[owner.funcTypes[lo]], owner.types, types[wanted])', 'true'],
        ['modules[hi - 1]', 'modules[0]', { tests: ['test/unit/restore/linked-instances.test.ts'] }],
      ],
    },
    {
      file: 'src/restore/frame-types.ts',
      tests: ['test/unit/restore/frame-references.test.ts'],
      changes: [
        ['[locals, exact.locals, 0],', ''],
        ['[operands, exact.operands, locals.length],', ''],
        [
          '!locals.some(isReference) && !operands.some(isReference)',
          '!operands.some(isReference)',
          { tests: ['test/unit/restore/null-references.test.ts'] },
        ],
      ],
    },
    {
      file: 'src/restore/instance-data.ts',
      tests: ['test/unit/restore/instance-data.test.ts', 'test/unit/restore/typed-references.test.ts'],
      changes: [
        ['type !== erased(global.type)', 'false'],
        ['(bytes !== undefined) !== (type.pageSize === 1)', 'false', { tests: ['test/unit/wasm/page-sizes.test.ts'] }],
        ['const size = bytes ?? pages;', 'const size = pages;', { tests: ['test/unit/wasm/page-sizes.test.ts'] }],
        [
          'size: bytes ?? pages * WASM_PAGE',
          'size: pages * WASM_PAGE',
          { tests: ['test/unit/wasm/page-sizes.test.ts'] },
        ],
        ['if (global.type !== type) this.checkReference(global.type', 'if (false) this.checkReference(global.type'],
        ['dropped.length, places.count', 'dropped.length, dropped.length'],
        ["this.checkCount('globals', instance", "if (false) this.checkCount('globals', instance"],
        ["this.checkCount('memories', instance", "if (false) this.checkCount('memories', instance"],
        ["this.checkCount('tables', instance", "if (false) this.checkCount('tables', instance"],
        ['size < type.min ||', ''],
        ['size > most', 'pages > most + 1'],
        ['table.type !== erased(element)', 'false'],
        ['length < min ||', ''],
        ['length > Math.max(Math.min(max, TABLE_MAX), min)', 'length > Math.max(max, min)'],
        ['if ((lo | hi) === 0 && mayBeNull) continue;', 'if (lo === 0 && mayBeNull) continue;'],
        [
          'if ((lo | hi) === 0 && mayBeNull) continue;',
          'if ((lo | hi) === 0) continue;',
          { tests: ['test/unit/restore/null-references.test.ts'] },
        ],
        ['!this.isInstantiated ||', '', { tests: ['test/unit/restore/null-references.test.ts'] }],
        ['isExtern && element === type', 'isExtern', { tests: ['test/unit/restore/null-references.test.ts'] }],
        ['i <= snapshot.phase.instance', 'true', { tests: ['test/unit/restore/null-references.test.ts'] }],
        ['i <= snapshot.phase.instance', 'false', { tests: ['test/unit/restore/null-references.test.ts'] }],

        ['if (element !== type) this.checkReference', 'if (element === type) this.checkReference'],
      ],
      equivalent: [
        [
          'Math.max(Math.min(max, TABLE_MAX), min)',
          'Math.min(max, TABLE_MAX)',
          'the validator lets no table start with more than 10 million elements (limits.tableElements)',
        ],
      ],
    },
    {
      file: 'src/restore/placed-exceptions.ts',
      tests: ['test/exceptions/snapshot.test.ts'],
      changes: [
        ['types[i] !== ValType.FuncRef || lo', 'lo', { tests: ['test/unit/restore/null-references.test.ts'] }],
        ['tag >= module.tags.length', 'tag > module.tags.length'],
        [
          'tag < module.importedTagCount',
          'tag + 1 < module.importedTagCount',
          { tests: ['test/unit/restore/linked-instances.test.ts'] },
        ],
        ['Buffer.compare(params, types) !== 0', 'params.length !== types.length'],
      ],
    },
    {
      file: 'src/restore/check-host.ts',
      tests: ['test/unit/restore/check-host.test.ts'],
      changes: [
        ['readOnly && (descriptor.openFlags & OPEN_WRITE) !== 0', 'false'],
        ["policy === 'fail' || (policy", '(policy'],
        ['policy === undefined && this.checks.strictFiles', 'this.checks.strictFiles'],
        ['facts !== undefined && facts.type !== type', 'false'],
        ["if (type === 'directory') return 'it is a directory, not a file';", ''],
        ['if (stat?.isDirectory()) throw', 'if (false) throw'],
        ['isInput ? constants.R_OK : constants.W_OK', 'constants.F_OK'],
        ['!stat.isFile()) return accessSync', 'stat.isFile()) return accessSync', { slow: true }],
        ['if (error !== undefined) return reason(error);', ''],
        ['problems.length > 0', 'problems.length > 1'],
      ],
    },
    {
      file: 'src/restore/grants.ts',
      tests: ['test/unit/restore/grants.test.ts'],
      changes: [
        ["policy === 'close'", "policy === 'fail'"],
        ["descriptor.kind === 'stdio' ? { ...descriptor, hostPath: EMPTY } : descriptor", 'descriptor'],
        ['rights: descriptor.rights & ~RIGHT_FD_FILESTAT_SET_TIMES', 'rights: descriptor.rights'],
        ['rights: 0n, rightsInheriting: 0n', 'rightsInheriting: 0n'],
        ['trusted && !given', '!given'],
        ['readOnly: given.readOnly ?? false', 'readOnly: false'],
        ['trusted && !inherited', 'trusted'],
        ["kind === 'given' && !hasPath && !trusted", "kind === 'given' && false"],
        ['before.readOnly !== after.readOnly', 'false'],
        ["there.get(preopen.fd)?.kind === 'preopen'", 'there.has(preopen.fd)'],
      ],
    },
  ],
};
