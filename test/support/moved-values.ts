/**
 * Site tables of an image as a code generator would write them that moves values about: at each site of a guest every
 * local and operand is somewhere else, in all forms that tables have. The code is still that of the image: only reading
 * and writing frames can be tested, not running.
 */

import type { RegisterPlan } from '../../src/arch/masm/masm.js';
import { FUNC_GUEST, NO_LOCAL_REG, SITE_CALL, SITE_ENTRY, SITE_LOOP } from '../../src/image/contract/site-tables.js';
import type { ImageDescription } from '../../src/image/reader.js';
import { type Location, Place, slotsOf } from '../../src/image/tables/frame-map.js';
import type { FrameMapEncoder } from '../../src/image/tables/frame-map-encoder.js';
import type { SiteRow } from '../../src/image/tables/site-lookup.js';
import { SiteTables } from '../../src/image/tables/site-tables.js';
import { ValType } from '../../src/wasm/module.js';

/** Bytes of each guest frame: room for all that the functions of tests have, anywhere. */
const FRAME = 1024;

export function movedValues({ sites }: ImageDescription, plan: RegisterPlan, next: () => number): SiteTables {
  const tables = new SiteTables();
  for (let row = 0; row < sites.functionCount; row++) {
    const { start, end, instance, index, frameSize, kind } = sites.function(row);
    const isGuest = kind === FUNC_GUEST;
    tables.beginFunction(start, instance, index, isGuest ? FRAME : frameSize, kind);
    const homes = isGuest ? sites.homes(row) : [];
    homes.forEach(({ type }, n) => {
      tables.local(type, NO_LOCAL_REG, 2 * n);
    });
    const { first, end: after } = sites.sitesOf(row);
    for (let n = first; n < after; n++) {
      const site = sites.site(n);
      const { locals, operands, results } = sites.frameMap(row, site);
      const { shapes } = tables;
      if (site.kind === SITE_ENTRY) {
        shapes.begin(locals.length, 0);
        for (const location of locals) repeat(shapes, location);
      } else new Placing(shapes, site, plan, next).place(locals, operands, results);
      tables.site(site.textOffset, site.bodyOffset, site.kind);
    }
    tables.endFunction(end);
  }
  return tables;
}

function repeat(shapes: FrameMapEncoder, { type, place, at }: Location): void {
  if (place === Place.Register) shapes.register(type, at);
  else shapes.slot(type, at);
}

/** Of one site. */
class Placing {
  private readonly slots: number[] = [];
  private readonly registers: readonly [number[], number[]];

  constructor(
    private readonly shapes: FrameMapEncoder,
    private readonly site: SiteRow,
    { operandInts, pinnedInts, operandFloats, pinnedFloats }: RegisterPlan,
    private readonly next: () => number,
  ) {
    // results of calls are below
    for (let slot = 8; slot + 2 <= FRAME / 8; slot += 2) this.slots.push(slot);
    this.registers = [
      [...operandInts, ...pinnedInts],
      [...operandFloats, ...pinnedFloats],
    ];
  }

  place(locals: readonly Location[], operands: readonly Location[], results: readonly Location[]): void {
    const { shapes } = this;
    shapes.begin(locals.length, 0);
    for (const { type } of locals) this.anywhere(type);
    shapes.begin(operands.length, results.length, shapes.endLocals());
    for (const { type } of operands) {
      const same = locals.flatMap((local, n) => (local.type === type ? [n] : []));
      if (same.length > 0 && this.next() < 0.3) shapes.copy(type, same[this.below(same.length)]);
      else this.anywhere(type);
    }
    for (const location of results) repeat(shapes, location);
  }

  private anywhere(type: ValType): void {
    const { shapes } = this;
    const isFloat = type === ValType.F32 || type === ValType.F64 || type === ValType.V128;
    const registers = this.registers[isFloat ? 1 : 0];
    switch (this.below(4)) {
      case 0:
        return shapes.dead(type);
      case 1:
        return this.constant(type);
      case 2:
        if (this.site.kind === SITE_LOOP && registers.length > 0) {
          return shapes.register(type, registers.splice(this.below(registers.length), 1)[0]);
        }
    }
    const [slot] = this.slots.splice(this.below(this.slots.length), 1);
    shapes.slot(type, slot + (slotsOf(type) === 1 ? this.below(2) : 0));
  }

  private constant(type: ValType): void {
    const word = () => Math.floor(this.next() * 2 ** 32);
    if (type === ValType.FuncRef) this.shapes.constant(type, 0, 0);
    else if (type === ValType.I32 || type === ValType.F32) this.shapes.constant(type, word(), 0);
    else this.shapes.constant(type, word(), word(), word(), word());
  }

  private below(count: number): number {
    return Math.floor(this.next() * count);
  }
}

/** Kinds of sites as snapshots have them, of the innermost frame. */
export const INNERMOST_KINDS = { [SITE_LOOP]: 'loop', [SITE_ENTRY]: 'entry', [SITE_CALL]: 'return' } as const;
