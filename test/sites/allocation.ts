/**
 * Whether what the site tables say of one image can be true: an allocator checker that knows nothing of the code
 * generator but its calling convention (compile/convention/call-layout.ts) and the CPU's register plan.
 *
 * At every site no two live values share a slot or a register, each lies where values of its kind may lie (across a
 * call nothing is in a register; at a loop only pinned locals are), and an operand's slot is its own in all of the
 * function. Is not about types (same-sites.ts) nor about what the code does (test/migrate).
 */

import { entrySlots, FLOAT_BASE, type RegisterPlan } from '../../src/arch/masm/masm.js';
import {
  FUNC_GUEST,
  FUNC_IMPORT,
  NO_LOCAL_REG,
  OPERAND_CONST,
  OPERAND_LOCAL,
  OPERAND_REG,
  OPERAND_SLOT,
  SITE_CALL,
  SITE_ENTRY,
  TYPE_F32,
  TYPE_F64,
  TYPE_V128,
} from '../../src/image/contract/site-tables.js';
import type { ImageDescription } from '../../src/image/reader.js';
import type { FunctionRow, LocalHome, Location, SiteRow } from '../../src/image/tables/site-lookup.js';

const MOST = 10;
const SLOT = 8;

/** What is wrong, a line each, up to ten. `plan`: the register plan the image was compiled with. */
export function checkAllocation({ sites }: ImageDescription, plan: RegisterPlan): string[] {
  const problems: string[] = [];
  for (let row = 0; row < sites.functionCount && problems.length < MOST; row++) {
    const owner = sites.function(row);
    if (owner.kind !== FUNC_GUEST && owner.kind !== FUNC_IMPORT) continue;
    const report = (what: string) => problems.push(`function ${owner.index} of instance ${owner.instance}: ${what}`);
    const checker = new FunctionChecker(owner, sites.locals(row), plan, report);
    const { first, end } = sites.sitesOf(row);
    for (let site = first; site < end; site++) {
      const at = sites.site(site);
      checker.check(at, sites.shape(at).operands, sites.shape(at).results);
    }
  }
  return problems;
}

class FunctionChecker {
  /** Slot of the return address: below it is the frame, above it the incoming area. */
  private readonly returnSlot: number;
  private readonly homes = new Places();
  private readonly slotOfOperand: number[] = [];

  constructor(
    owner: FunctionRow,
    private readonly locals: readonly LocalHome[],
    private readonly plan: RegisterPlan,
    private readonly report: (what: string) => void,
  ) {
    this.returnSlot = owner.frameSize / SLOT;
    this.homes.claimSlot(this.returnSlot, 1, 'the return address');
    const pools = [plan.pinnedInts, plan.pinnedFloats];
    locals.forEach(({ type, reg, slot }, n) => {
      this.claim(this.homes.claimSlot(slot, slots(type), `local ${n}`));
      if (reg === NO_LOCAL_REG) return;
      if (!pools[isFloat(type)].includes(reg)) report(`local ${n} is pinned to register ${reg}, not one for pins`);
      this.claim(this.homes.claimRegister(reg, `local ${n}`));
    });
  }

  check(site: SiteRow, operands: readonly Location[], results: readonly Location[]): void {
    if (site.kind === SITE_ENTRY) this.checkEntry(operands);
    else {
      const places = this.homes.copy();
      operands.forEach((at, n) => {
        this.checkOperand(places, at, n, site);
      });
      this.checkResults(places, results, site);
    }
  }

  /** Before the prologue: arguments are where the caller has put them, the return address below those on the stack. */
  private checkEntry(operands: readonly Location[]): void {
    const places = new Places();
    const pools = [this.plan.argInts, this.plan.argFloats];
    for (const [n, { type, kind, reg, slot }] of operands.entries()) {
      const what = `parameter ${n}`;
      if (kind === OPERAND_REG && pools[isFloat(type)].includes(reg)) this.claim(places.claimRegister(reg, what));
      else if (kind === OPERAND_SLOT && slot >= entrySlots(this.plan)) {
        this.claim(places.claimSlot(slot, slots(type), what));
      } else this.report(`${what} cannot be at the entry where its site says`);
    }
  }

  private checkOperand(places: Places, at: Location, n: number, site: SiteRow): void {
    const what = `operand ${n} at ${site.bodyOffset}`;
    switch (at.kind) {
      case OPERAND_SLOT:
        this.checkSlot(places, at, what);
        this.slotOfOperand[n] ??= at.slot;
        if (this.slotOfOperand[n] !== at.slot) this.report(`${what} is not in its own slot`);
        return;
      case OPERAND_LOCAL:
        if (this.locals[at.local]?.type !== at.type) this.report(`${what} equals local ${at.local} of another type`);
        return;
      case OPERAND_CONST:
        return;
      default:
        this.report(`${what} is in a register across a safepoint`);
    }
  }

  private checkResults(places: Places, results: readonly Location[], site: SiteRow): void {
    if (site.kind !== SITE_CALL && results.length > 0) this.report(`results at a loop, ${site.bodyOffset}`);
    for (const [n, at] of results.entries()) {
      const what = `result ${n} at ${site.bodyOffset}`;
      if (at.kind === OPERAND_SLOT) this.checkSlot(places, at, what);
      else if (at.kind !== OPERAND_REG || at.reg !== [this.plan.resultInt, this.plan.resultFloat][isFloat(at.type)]) {
        this.report(`${what} is not where results are`);
      }
    }
  }

  private checkSlot(places: Places, { type, slot }: Location, what: string): void {
    if (slot + slots(type) > this.returnSlot) this.report(`${what} lies outside of the frame`);
    this.claim(places.claimSlot(slot, slots(type), what));
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

function isFloat(type: number): 0 | 1 {
  return type === TYPE_F32 || type === TYPE_F64 || type === TYPE_V128 ? 1 : 0;
}

function slots(type: number): number {
  return type === TYPE_V128 ? 2 : 1;
}
