/**
 * The source of every decision of the module generator: pseudo-random numbers that are written down, so that a module
 * is its list of choices.
 *
 * A shorter or smaller list is a simpler module, and always a valid one: this is how failures are made small
 * (shrink.ts). So 0 is always the simplest choice, and after the end of a list all choices are 0.
 */

export class Choices {
  /** What has been chosen so far. */
  readonly taken: number[] = [];
  private state: number;

  /** @param script choices to repeat instead of random ones */
  constructor(
    seed: number,
    private readonly script?: readonly number[],
  ) {
    this.state = Math.imul(seed, 0x9e3779b1) || 1;
    for (let i = 0; i < 8; i++) this.step();
  }

  /** An integer in [0, n), n up to 2^32. */
  next(n: number): number {
    const at = this.taken.length;
    let value: number;
    if (this.script === undefined) value = Math.floor((this.step() / 2 ** 32) * n);
    else value = at < this.script.length ? this.script[at] % n : 0;
    this.taken.push(value);
    return value;
  }

  /** True once in n times. */
  oneIn(n: number): boolean {
    return this.next(n) === n - 1;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.next(list.length)];
  }

  /** An index into a list of weights. */
  weighted(weights: readonly number[]): number {
    let left = this.next(weights.reduce((sum, weight) => sum + weight, 0));
    let index = 0;
    while (left >= weights[index]) left -= weights[index++];
    return index;
  }

  /** Small numbers mostly: [0, n), each half of the range half as likely as the one below. */
  small(n: number): number {
    return this.next(this.next(n) + 1);
  }

  private step(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }
}
