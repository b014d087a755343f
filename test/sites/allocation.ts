/**
 * Whether what the site tables say of one image can be true: an allocator checker that knows nothing of the code
 * generator but its calling convention (compile/convention/call-layout.ts) and the CPU's register plan.
 *
 * At every site no two live values share a slot or a register but copies of a local, and each lies where values of its
 * kind may lie (across a call nothing is in a register). A code generator that keeps locals in their homes must obey
 * these: only pinned locals are in registers, and an operand's slot is its own in all of the function. Is not about
 * types (same-sites.ts) nor about what the code does (test/migrate).
 */

import { entrySlots, FLOAT_BASE, type RegisterPlan } from '../../src/arch/masm/masm.js';
import { FUNC_GUEST, FUNC_IMPORT, NO_LOCAL_REG, SITE_CALL, SITE_ENTRY } from '../../src/image/contract/site-tables.js';
import type { ImageDescription } from '../../src/image/reader.js';
import { type FrameMap, type LocalHome, type Location, Place, slotsOf } from '../../src/image/tables/frame-map.js';
import type { FunctionRow, SiteLookup, SiteRow } from '../../src/image/tables/site-lookup.js';
import { ValType } from '../../src/wasm/module.js';

const MOST = 10;
const SLOT = 8;

/** What is wrong, a line each, up to ten. `plan`: the register plan the image was compiled with. */
export function checkAllocation({ sites }: ImageDescription, plan: RegisterPlan): string[] {
  return checkSites(sites, plan);
}

/** The same of tables by themselves. */
export function checkSites(sites: SiteLookup, plan: RegisterPlan): string[] {
  const problems: string[] = [];
  for (let row = 0; row < sites.functionCount && problems.length < MOST; row++) {
    const owner = sites.function(row);
    if (owner.kind !== FUNC_GUEST && owner.kind !== FUNC_IMPORT) continue;
    const report = (what: string) => problems.push(`function ${owner.index} of instance ${owner.instance}: ${what}`);
    const checker = new FunctionChecker(owner, sites.homes(row), plan, report);
    const { first, end } = sites.sitesOf(row);
    for (let n = first; n < end; n++) {
      const site = sites.site(n);
      checker.check(site, sites.frameMap(row, site));
    }
  }
  return problems;
}

class FunctionChecker {
  /** Slot of the return address: below it is the frame, above it the incoming area. */
  private readonly returnSlot: number;
  /** What no site may use for another value: the return address, and where locals are that no site moves. */
  private readonly fixed = new Places();
  private readonly homes: Places;
  private readonly slotOfOperand: number[] = [];

  constructor(
    owner: FunctionRow,
    homes: readonly LocalHome[],
    private readonly plan: RegisterPlan,
    private readonly report: (what: string) => void,
  ) {
    this.returnSlot = owner.frameSize / SLOT;
    this.fixed.claimSlot(this.returnSlot, 1, 'the return address');
    this.homes = this.fixed.copy();
    const pools = [plan.pinnedInts, plan.pinnedFloats];
    homes.forEach(({ type, reg, slot }, n) => {
      this.claim(this.homes.claimSlot(slot, slotsOf(type), `local ${n}`));
      if (reg === NO_LOCAL_REG) return;
      if (!pools[isFloat(type)].includes(reg)) report(`local ${n} is pinned to register ${reg}, not one for pins`);
      this.claim(this.homes.claimRegister(reg, `local ${n}`));
    });
  }

  check(site: SiteRow, { placesLocals, locals, operands, results }: FrameMap): void {
    if (site.kind === SITE_ENTRY) return this.checkEntry(locals);
    const places = (placesLocals ? this.fixed : this.homes).copy();
    if (placesLocals) {
      for (const [n, local] of locals.entries()) this.claimPlace(places, local, `local ${n} at ${site.bodyOffset}`);
    }
    operands.forEach((at, n) => {
      if (at.local < 0) this.checkOperand(places, at, n, site, placesLocals);
    });
    this.checkResults(places, results, site);
  }

  /** Before the prologue: arguments are where the caller has put them, the return address below those on the stack. */
  private checkEntry(parameters: readonly Location[]): void {
    const places = new Places();
    const pools = [this.plan.argInts, this.plan.argFloats];
    for (const [n, { type, place, at }] of parameters.entries()) {
      const what = `parameter ${n}`;
      if (place === Place.Register && pools[isFloat(type)].includes(at)) this.claim(places.claimRegister(at, what));
      else if (place === Place.Slot && at >= entrySlots(this.plan)) {
        this.claim(places.claimSlot(at, slotsOf(type), what));
      } else this.report(`${what} cannot be at the entry where its site says`);
    }
  }

  /** @param anywhere the code generator moves values about */
  private checkOperand(places: Places, at: Location, n: number, site: SiteRow, anywhere: boolean): void {
    const what = `operand ${n} at ${site.bodyOffset}`;
    if (at.place === Place.Slot && at.at + slotsOf(at.type) > this.returnSlot) {
      this.report(`${what} lies outside of the frame`);
    }
    this.claimPlace(places, at, what);
    if (anywhere) return;
    if (at.place === Place.Slot) {
      this.slotOfOperand[n] ??= at.at;
      if (this.slotOfOperand[n] !== at.at) this.report(`${what} is not in its own slot`);
    } else if (at.place === Place.Register) this.report(`${what} is in a register across a safepoint`);
  }

  private checkResults(places: Places, results: readonly Location[], site: SiteRow): void {
    if (site.kind !== SITE_CALL && results.length > 0) this.report(`results at a loop, ${site.bodyOffset}`);
    for (const [n, at] of results.entries()) {
      const what = `result ${n} at ${site.bodyOffset}`;
      const register = [this.plan.resultInt, this.plan.resultFloat][isFloat(at.type)];
      if (at.place === Place.Register && at.at !== register) this.report(`${what} is not where results are`);
      if (at.place === Place.Slot) this.claimPlace(places, at, what);
    }
  }

  /** A value may be in any slot but the return address's, and in any register for values of its type. */
  private claimPlace(places: Places, { type, place, at }: Location, what: string): void {
    if (place === Place.Slot) this.claim(places.claimSlot(at, slotsOf(type), what));
    if (place !== Place.Register) return;
    if (isFloat(type) !== (at < FLOAT_BASE ? 0 : 1)) this.report(`${what} is in a register of another kind`);
    this.claim(places.claimRegister(at, what));
  }

  private claim(conflict: string | undefined): void {
    if (conflict !== undefined) this.report(conflict);
  }
}

/** Who is where: slots count 8 bytes from sp, registers as in masm.ts. */
class Places {
  private readonly owners: Map<number, string>;

  constructor(owners: Iterable<[number, string]> = []) {
    this.owners = new Map(owners);
  }

  copy(): Places {
    return new Places(this.owners);
  }

  claimSlot(slot: number, count: number, who: string): string | undefined {
    let conflict: string | undefined;
    for (let i = 0; i < count; i++) conflict ??= this.take(slot + i, who, `slot ${slot + i}`);
    return conflict;
  }

  claimRegister(reg: number, who: string): string | undefined {
    return this.take(-1 - reg, who, reg < FLOAT_BASE ? `register ${reg}` : `float register ${reg - FLOAT_BASE}`);
  }

  private take(key: number, who: string, place: string): string | undefined {
    const other = this.owners.get(key);
    this.owners.set(key, who);
    return other === undefined ? undefined : `${who} and ${other} share ${place}`;
  }
}

function isFloat(type: ValType): 0 | 1 {
  return type === ValType.F32 || type === ValType.F64 || type === ValType.V128 ? 1 : 0;
}
