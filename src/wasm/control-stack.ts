/**
 * The validator's control frames (core spec appendix A.3.1): a column per property, all typed arrays that grow.
 *
 * Holds them and knows no rule. Lists are numbers of TypeLists, heights are in operands.
 */

/** The greatest weight: that of four loops. */
const MAX_WEIGHT = 8 ** 4;

/**
 * What opened a control frame; an `else` turns its If into an Else, a `catch` its Try into a Catch. A try_table is a
 * Block.
 */
export const enum ControlKind {
  Block = 0,
  Loop = 1,
  If = 2,
  Else = 3,
  Try = 4,
  Catch = 5,
  CatchAll = 6,
}

export class ControlStack {
  kind = new Uint8Array(64);
  /** 1 when the rest of the frame cannot be reached, so that its operand stack is polymorphic. */
  unreachable = new Uint8Array(64);
  /** Height of the operand stack below the frame. */
  base = new Uint32Array(64);
  startList = new Uint32Array(64);
  endList = new Uint32Array(64);
  /** What a branch to the frame passes: startList of a loop, endList of the others. */
  labelList = new Uint32Array(64);
  /** The weight of a use inside of the frame: 8 to the power of the loop depth. */
  weight = new Uint32Array(64);
  /** How many frames there are, and the most that there were since reset. */
  depth = 0;
  maxDepth = 0;
  /** The weight of a use in the innermost frame. */
  currentWeight = 1;

  reset(): void {
    this.depth = 0;
    this.maxDepth = 0;
    this.currentWeight = 1;
  }

  push(kind: ControlKind, base: number, startList: number, endList: number): void {
    if (kind === ControlKind.Loop && this.currentWeight < MAX_WEIGHT) this.currentWeight *= 8;
    const top = this.depth++;
    if (top >= this.maxDepth) {
      this.maxDepth = this.depth;
      if (top >= this.kind.length) this.grow();
    }
    this.kind[top] = kind;
    this.unreachable[top] = 0;
    this.base[top] = base;
    this.startList[top] = startList;
    this.endList[top] = endList;
    this.labelList[top] = kind === ControlKind.Loop ? startList : endList;
    this.weight[top] = this.currentWeight;
  }

  /** Ends the innermost frame, which is not the function's own. */
  pop(): void {
    this.currentWeight = this.weight[--this.depth - 1];
  }

  private grow(): void {
    const length = this.kind.length * 2;
    const bytes = (old: Uint8Array<ArrayBuffer>) => copyInto(new Uint8Array(length), old);
    const words = (old: Uint32Array<ArrayBuffer>) => copyInto(new Uint32Array(length), old);
    this.kind = bytes(this.kind);
    this.unreachable = bytes(this.unreachable);
    this.base = words(this.base);
    this.startList = words(this.startList);
    this.endList = words(this.endList);
    this.labelList = words(this.labelList);
    this.weight = words(this.weight);
  }
}

function copyInto<T extends Uint8Array | Uint32Array>(target: T, source: T): T {
  target.set(source);
  return target;
}
