/** The compiler: code generation, stubs, linking. */

import type { Area } from '../mutant.js';

const OPERANDS = ['test/unit/compile/baseline/operand-forms.test.ts'];
const IMPORTS = ['test/unit/compile/link/imports.test.ts'];
const LINKED_RUN = ['test/unit/compile/link/linked-run.test.ts'];
const RUN = ['test/unit/compile/link/run.test.ts'];

export const compiler: Area = {
  name: 'compiler',
  files: [
    {
      file: 'src/compile/baseline/parallel-move.ts',
      tests: ['test/unit/compile/baseline/moves.test.ts'],
      changes: [
        ['|| readers[dst] > 0) continue;', ') continue;'],
        ['if (regs[k] === src) {', 'if (false) {'],
        ['from[k] = src;\n        readers[src]++;', 'from[k] = src;'],
        ['if (src === dst) continue;', ''],
      ],
    },
    {
      file: 'src/compile/baseline/comparisons.ts',
      tests: OPERANDS,
      slow: true,
      changes: [
        ['[Cond.Eq, Cond.Ne, Cond.GtS, Cond.GtU,', '[Cond.Eq, Cond.Ne, Cond.GeS, Cond.GtU,'],
        ['k.negated = !k.negated;', 'k.negated = true;'],
        ['const first = k.negated ? b : a;', 'const first = a;'],
        ['if (k.negated !== inverted)', 'if (k.negated || inverted)'],
      ],
    },
    {
      file: 'src/compile/baseline/casts.ts',
      tests: ['test/spec/casts.test.ts'],
      changes: [
        ['if (!nullable && !others) masm.jump(no);', 'if (false) masm.jump(no);'],
        ['nullable !== others', 'true'],
        ['masm.branch(others ? Cond.Eq : Cond.Ne, no);', 'masm.branch(Cond.Ne, no);'],
        ['masm.branch(Cond.Eq, nullable ? yes : no);', 'masm.branch(Cond.Eq, no);'],
        ['masm.branch(Cond.Eq, nullable ? yes : no);', 'masm.branch(Cond.Eq, yes);'],
        ['i < accepted.length - 1', 'false'],
        ['const stay = onFailure ? masm.newLabel() : no;', 'const stay = no;'],
        ['if (!toFunction) control.conform(at);', ''],
        ['masm.constant(result, 0, 0, 0);', 'masm.constant(result, 0, 1, 0);'],
      ],
    },
    {
      file: 'src/compile/baseline/wide-arithmetic.ts',
      tests: ['test/fuzz/differential.test.ts'],
      only: 'wideArithmetic',
      slow: true,
      changes: [
        [
          'const hi = o.acquireOwn(first + 1);',
          'const hi = o.acquire(first + 1);',
          { tests: ['test/listings/listings.test.ts'], only: 'wide' },
        ],
        [
          '(o.lo[first + 3] | o.hi[first + 3]) === 0',
          'o.lo[first + 3] === 0',
          { tests: ['test/migrate/emitted.test.ts'], only: 'wide arithmetic: run' },
        ],
        ['if (isIn(b, dividend)) [a, b] = [b, a];', ''],
        ['if (rhs !== divideClobber) o.evict(divideClobber);', ''],
        ['const rhsLo = o.acquire(first + 2);', 'const rhsLo = o.acquire(first);'],
      ],
    },
    {
      file: 'src/compile/baseline/integers.ts',
      tests: OPERANDS,
      slow: true,
      changes: [
        ['op !== IntOp.Sub &&', ''],
        ['o.isConst(at) && (wide === 0 || o.hi[at] === o.lo[at] >> 31);', 'o.isConst(at);'],
        ['o.isConst(rhs) && (wide === 0 || o.hi[rhs] === 0) ? o.lo[rhs] : 0', 'o.isConst(rhs) ? o.lo[rhs] : 0'],
        [
          'if (kind === Kind.Const || kind === Kind.Reg) {\n    o.types[top] = ValType.I64;\n    o.hi[top] = 0;',
          'if (kind === Kind.Const || kind === Kind.Reg) {\n    o.types[top] = ValType.I64;\n    o.hi[top] = o.lo[top] >> 31;',
        ],
        ['const count = o.lo[rhs] & (wide ? 63 : 31);', 'const count = o.lo[rhs] & 63;'],
        ['o.lo[rhs] === divideClobber)) o.evict', 'false)) o.evict'],
      ],
      equivalent: [
        [
          '&& lhs > c.control.height()',
          '',
          'code is compiled only where it is reached, so an addition has both of its operands in the block',
        ],
      ],
    },
    {
      file: 'src/compile/baseline/memory-access.ts',
      tests: ['test/spec/memory-edges.test.ts'],
      slow: true,
      changes: [
        ['const sum = (o.lo[at] >>> 0) + c.access.offset;', 'const sum = o.lo[at] + c.access.offset;'],
        ['const sum = (o.hi[at] >>> 0) * FOUR_GIB + (o.lo', 'const sum = (o.lo'],
        ['masm.branch(Cond.LtU, c.traps.label(TRAP_MEMORY));', ''],
        ['masm.select(Cond.LtU, 1, size, address, size);', 'masm.move(size, address);'],
        ['masm.select(Cond.LtU, 1, sum, address, sum);', 'masm.move(sum, address);'],
        ['masm.select(Cond.GtS, 1, sum, masm.scratch, sum);', ''],
        ['masm.select(Cond.GtS, 1, sum, masm.scratch, sum);', 'masm.select(Cond.GtU, 1, sum, masm.scratch, sum);'],
        ['masm.binaryImm(IntOp.Sub, 1, limit, limit, width);', 'masm.binaryImm(IntOp.Sub, 1, limit, limit, 1);'],
        ['masm.scratch, limit, WASM_PAGE);', 'masm.scratch, limit, 0);'],
      ],
      equivalent: [
        [
          'if (c.access.offset >= MEMORY64_END) {',
          'if (false) {',
          'the sum of any address and such an offset is above the size of the memory, or wraps, and traps as well',
        ],
      ],
    },
    {
      file: 'src/compile/baseline/tail-calls.ts',
      tests: ['test/migrate/tail-calls.test.ts'],
      slow: true,
      changes: [
        ['if (slots > c.ownLayout.slots && slots > c.environment.tailSlots)', 'if (slots > c.ownLayout.slots + 1)'],
        ['masm.branch(Cond.Ne, elsewhere);', ''],
        ['copyStackArguments(c, layout, first, 0);', ''],
      ],
    },
    {
      file: 'src/compile/baseline/control.ts',
      tests: ['test/unit/compile/baseline/pins.test.ts'],
      slow: true,
      changes: [
        ['operands.pins.store(~this.validAt[at]);', ''],
        ['this.cleanAt[at] &= this.operands.pins.clean;', ''],
        ['if (this.kinds[at] === Block.Loop) operands.pins.load(-1);', 'if (false) operands.pins.load(-1);'],
      ],
    },
    {
      file: 'src/compile/convention/call-layout.ts',
      tests: ['test/unit/compile/convention/call-layout.test.ts'],
      changes: [
        ['slots += slotsOf(params[i]);', 'slots += 1;'],
        ['slots += slotsOf(results[i]);', 'slots += 1;'],
        ['results.length > 1 ? results.length : 0', 'results.length'],
        ['floats < plan.argFloats.length', 'floats <= plan.argFloats.length'],
      ],
    },
    {
      file: 'src/compile/stubs/host-call.ts',
      tests: LINKED_RUN,
      changes: [
        ['frame + 8 + 8 * i', 'frame + 8 * i'],
        ['return (8 * slots + 15) & ~15;', 'return 8 * slots;'],
        ['masm.adjustSp(-areaSize(slots));', ''],
        ['masm.loadGlobal(Width.Int64, instance, thread + TH_GUEST_INSTANCE);', ''],
      ],
    },
    {
      file: 'src/compile/stubs/guest-entry.ts',
      tests: ['test/unit/compile/baseline/edges.test.ts'],
      only: 'entered with',
      changes: [
        ['masm.adjustSp(-area);', '', { open: true }],
        [
          'masm.storeSlot(Width.Int64, instance, 8 * (layout.paramSlots[i] + half));',
          'masm.storeSlot(Width.Int64, instance, 8 * (layout.paramSlots[i] + half + 1));',
        ],
        [
          'masm.loadSlot(width, instance, 8 * (layout.resultSlots[i] + half));',
          'masm.loadSlot(width, instance, 8 * half);',
        ],
        [
          'masm.loadField(Width.Int32, callTemp, argInts[0], FN_TRAMPOLINE);',
          'masm.loadField(Width.Int32, callTemp, argInts[0], 0);',
          { tests: RUN },
        ],
      ],
    },
    {
      file: 'src/compile/stubs/blocking-syscall.ts',
      tests: ['test/unit/compile/stubs/blocking-syscall.test.ts'],
      changes: [
        ['masm.branch(Cond.Ne, stopped);', ''],
        ['masm.plan.resultInt, 1, -EINTR, -1', 'masm.plan.resultInt, 1, -EINTR, 0'],
        ['const end = masm.offset;\n  masm.jump(done);', 'masm.jump(done);\n  const end = masm.offset;'],
      ],
    },
    {
      file: 'src/compile/link/constants.ts',
      tests: ['test/unit/compile/link/constants.test.ts'],
      changes: [
        ['BigInt(lo >>> 0)', 'BigInt(lo)'],
        ["op === 'sub' ? a - b", "op === 'sub' ? b - a"],
        ['type === ValType.I32 ? 0 : Number(', 'type === ValType.I32 ? -1 : Number('],
        ['Number(BigInt.asIntN(32, value >> 32n))', '0'],
      ],
    },
    {
      file: 'src/compile/link/imports.ts',
      tests: IMPORTS,
      changes: [
        ['if (found.mutable !== wanted.mutable) return false;', ''],
        ['if (actual.min >= wanted.min) return true;', 'return true;'],
        ['>= wanted.min && hasGrown()', '>= wanted.min'],
        ['(actual.max ?? Number.POSITIVE_INFINITY) >= wanted.min && ', ''],
        ['&& memory.pageSize === pageSize', '', { tests: ['test/unit/wasm/page-sizes.test.ts'] }],
        [
          '(actual.max === undefined || actual.max > wanted.max)',
          'actual.max !== undefined && actual.max > wanted.max',
        ],
        ['return same && limitsMatch(table,', 'return limitsMatch(table,'],
        ['|| INTERNAL.has(entry.name)', ''],
        ['memory.shared === shared &&', ''],
        ['if (actual.address !== wanted.address) return false;', ''],
        ['for (let i = instances.length - 1; i > 0; i--)', 'for (let i = 1; i < instances.length; i++)'],
        [
          'const defined = definition(provider, found.kind, found.index);',
          'const defined: [number, number] = [provider.index, found.index];',
        ],
        [
          'return sameFuncType(module.types[module.tags[found.index]], importer.types[wanted.typeIndex]);',
          'return true;',
        ],
      ],
    },
    {
      file: 'src/compile/link/grown.ts',
      tests: IMPORTS,
      changes: [
        ['return of === owner && at === index;', 'return true;'],
        ['return of === owner && at === index;', 'return at === index;'],
        ['bytes[at] === Op.MemoryGrow ?', 'true ?'],
        ['(Op.TableGrow & 0xff) ?', '(Op.TableSize & 0xff) ?'],
        ['validateBodies(module, file);', ''],
      ],
    },
    {
      file: 'src/compile/link/data-layout.ts',
      tests: ['test/e2e/grown-imports.test.ts'],
      slow: true,
      changes: [
        ['min * pageSize]', 'min]'],
        ['if (min <= this.instances[owner].module.memories[at].min) continue;', 'continue;'],
        ['if (min > this.instances[owner].module.tables[at].min)', 'if (false)'],
      ],
    },
    {
      file: 'src/compile/link/host-text-file.ts',
      tests: ['test/unit/compile/link/host-text.test.ts'],
      changes: [
        ['new Packr({ structuredClone: true })', 'new Packr()'],
        ['known.set(key, text);', 'known.set(key, { ...text, windows: [] });'],
      ],
    },
    {
      file: 'src/compile/link/host-text.ts',
      tests: ['test/unit/compile/link/run.test.ts', 'test/unit/compile/link/host-text.test.ts'],
      changes: [
        ['  code.link();\n', ''],
        ['masm.references = new CodeReferences();', 'masm.references = undefined as unknown as CodeReferences;'],
      ],
    },
    {
      file: 'src/compile/link/data-layout.ts',
      tests: ['test/unit/compile/link/many-memories.test.ts'],
      changes: [
        ['if (bytes > MAX_RESERVED) {', 'if (false) {'],
        [
          'for (const memory of module.memories.slice(module.importedMemoryCount))',
          'for (const memory of module.memories)',
        ],
        [
          'return address === ValType.I64 ? FLAG_INDEX64 : 0;',
          'return 0;',
          { tests: ['test/unit/compile/link/linked-run.test.ts'] },
        ],
      ],
    },
    {
      file: 'src/compile/link/finish-data.ts',
      tests: LINKED_RUN,
      changes: [
        [
          'data.pointer(record + FN_INSTANCE, layouts[owner].start);',
          'data.pointer(record + FN_INSTANCE, layouts[index].start);',
          { open: true },
        ],
        ['data.u64(record + SEG_LENGTH, end - start);', 'data.u64(record + SEG_LENGTH, end - start - 1);'],
        ['data.u32(record + FN_TYPE, typeId);', 'data.u32(record + FN_TYPE, 0);'],
        [
          'data.pointer(record + SEG_BYTES, at);\n      data.u64(record + SEG_LENGTH, end - start);\n      at += (end - start + 7) & ~7;',
          'data.pointer(record + SEG_BYTES, at);\n      data.u64(record + SEG_LENGTH, end - start);\n      at += end - start;',
        ],
      ],
    },
    {
      file: 'src/compile/link/image-file.ts',
      tests: ['test/unit/compile/link/file.test.ts'],
      changes: [
        [
          'if (trap.length === 1) for (let i = 0; i < length; i += 3)',
          'if (trap.length === 1) for (let i = 3; i < length; i += 3)',
        ],
        ['loadSegment(PF_R | PF_X, textStart, text.length)', 'loadSegment(PF_R | PF_W | PF_X, textStart, text.length)'],
        ['data.u64(DATA_START + RT_TEXT_FILE, textStart);', ''],
        ['  flags: PF_R | PF_W,\n  fileOffset: 0', '  flags: PF_R | PF_W | PF_X,\n  fileOffset: 0'],
      ],
    },
    {
      file: 'src/compile/link/text-builder.ts',
      tests: ['test/unit/compile/amplification.test.ts'],
      slow: true,
      changes: [
        ['this.masm.codeLimit = outputLimits(wasmSize).codeBytes;', ''],
        [
          'const area = areaSize(Math.max(layout.slots, this.tailSlots));',
          'const area = areaSize(layout.slots);',
          { tests: ['test/migrate/tail-calls.test.ts'] },
        ],
        ['tailSlots: this.tailSlots,', 'tailSlots: 0,', { tests: ['test/migrate/tail-calls.test.ts'] }],
      ],
    },
  ],
};
