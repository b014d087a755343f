/** The safepoint at a function's entry. What is where follows from the convention alone, for every code generator. */

import { entrySlots, type MacroAssembler, NO_REG } from '../../arch/masm/masm.js';
import { SITE_ENTRY } from '../../image/contract/site-tables.js';
import type { SiteTables } from '../../image/tables/site-tables.js';
import type { CallLayout } from './call-layout.js';

/** An entry at masm.offset: parameters are where the caller has put them. */
export function entrySite(tables: SiteTables, masm: MacroAssembler, layout: CallLayout): void {
  const { type, paramRegs, paramSlots } = layout;
  const { shapes } = tables;
  shapes.begin(paramRegs.length, 0);
  for (let i = 0; i < paramRegs.length; i++) {
    if (paramRegs[i] !== NO_REG) shapes.register(type.params[i], paramRegs[i]);
    else shapes.slot(type.params[i], entrySlots(masm.plan) + paramSlots[i]);
  }
  tables.site(masm.offset, 0, SITE_ENTRY);
}
