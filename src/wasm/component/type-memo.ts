/** What is computed once for each type: a type may be there many times in another one. */

import { limitError, limits } from '../limits.js';
import type { ResolvedType } from './type-space.js';

export class TypeMemo<T> {
  private readonly known = new Map<ResolvedType, T>();
  private depth = 0;

  /** @param compute may ask this memo for the types in `type` */
  constructor(
    private readonly file: string,
    private readonly compute: (type: ResolvedType) => T,
  ) {}

  /** @throws LimitError when types are nested too deeply */
  of(type: ResolvedType): T {
    const known = this.known.get(type);
    if (known !== undefined) return known;
    if (++this.depth > limits.componentDepth) throw limitError('componentDepth', this.depth, 0, this.file);
    const computed = this.compute(type);
    this.depth--;
    this.known.set(type, computed);
    return computed;
  }
}
