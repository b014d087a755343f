/** The stack of a snapshot, frame by frame. */

import { type FrameSite, type Frames, MISSING } from '../snapshot/snapshot.js';
import type { Frame, Local, SnapshotFrames } from './snapshot.js';
import { toValue } from './stored-value.js';
import type { Value } from './value.js';

/** What a module says about one of its functions. */
export interface FunctionNames {
  readonly name: string;
  /** By index. */
  readonly locals: ReadonlyMap<number, string>;
  /** Offset of its body in the module; undefined when the module was left out. */
  readonly bodyStart: number | undefined;
}

export class FramesView implements SnapshotFrames {
  /** @param names looks up a frame's function */
  constructor(
    private readonly frames: Frames,
    private readonly names: (site: FrameSite) => FunctionNames,
  ) {}

  get length(): number {
    return this.frames.count;
  }

  at(index: number): Frame | undefined {
    const n = Math.trunc(index) < 0 ? this.length + Math.trunc(index) : Math.trunc(index);
    return n >= 0 && n < this.length ? this.frame(n) : undefined;
  }

  *[Symbol.iterator](): Iterator<Frame> {
    for (let n = 0; n < this.length; n++) yield this.frame(n);
  }

  private frame(n: number): Frame {
    const { frames } = this;
    const site = frames.site(n);
    const { name, locals: localNames, bodyStart } = this.names(site);
    const known = (at: number) => toValue(frames.value(n, at));
    const locals = Array.from(site.locals, (type, i): Local => {
      return { name: localNames.get(i), value: type === MISSING ? undefined : known(i) };
    });
    const operands = Array.from(site.operands, (_, i) => known(site.locals.length + i));
    return {
      instance: site.instance,
      function: site.func,
      name,
      kind: site.kind,
      offset: site.offset,
      moduleOffset: bodyStart === undefined ? undefined : bodyStart + site.offset,
      locals,
      operands,
      local: (wanted): Value | undefined => locals.find(({ name }) => name === wanted)?.value,
    };
  }
}
