/** The stubs of a text: each gets a row of the function table, a name, and an offset that other code asks for. */

import type { MacroAssembler } from '../../arch/masm/masm.js';
import { BugError } from '../../base/errors.js';
import { FUNC_STUB } from '../../image/contract/site-tables.js';
import type { SiteTables } from '../../image/tables/site-tables.js';
import { FUNCTION_ALIGN } from '../convention/function-align.js';

/** A stub that has been emitted. */
export interface Stub {
  readonly name: string;
  readonly textOffset: number;
  /** Its row of the function table, if there is one. */
  readonly row: number;
}

export class StubTable {
  private readonly stubs = new Map<string, Stub>();
  private readonly names = new Map<number, string>(); // by row

  constructor(
    private readonly masm: MacroAssembler,
    private readonly sites: SiteTables | undefined,
  ) {}

  emit<T>(name: string, emit: () => T, kind = FUNC_STUB, index = 0, frameSize = 0): T {
    const { masm, sites } = this;
    masm.align(FUNCTION_ALIGN);
    this.add({ name, textOffset: masm.offset, row: sites?.functionCount ?? 0 });
    sites?.beginFunction(masm.offset, 0, index, frameSize, kind);
    const result = emit();
    sites?.endFunction(masm.offset);
    return result;
  }

  /** Takes one that is there already. */
  add(stub: Stub): void {
    this.stubs.set(stub.name, stub);
    this.names.set(stub.row, stub.name);
  }

  list(): Stub[] {
    return [...this.stubs.values()];
  }

  /** @throws BugError when there is no such stub */
  offset(name: string): number {
    const stub = this.stubs.get(name);
    if (stub === undefined) throw new BugError(`no stub ${name}`);
    return stub.textOffset;
  }

  /** The name of the stub that a row of the function table describes. */
  nameOf(row: number): string | undefined {
    return this.names.get(row);
  }
}
