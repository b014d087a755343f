/** Lifted frames, in growing columns. Each frame is copied from the stack and the registers as its plan says. */

import type { HeaderBudget } from '../snapshot/header-budget.js';
import { type FrameSite, Frames } from '../snapshot/snapshot.js';
import { ValType } from '../wasm/module.js';
import { damagedStack } from './damaged-stack.js';
import { type FramePlan, From } from './frame-plan.js';
import { REGISTER_WORDS } from './registers.js';

export class LiftedFrames {
  /** Indexes in the frames' words: low words of native function references, and addresses of exceptions. */
  readonly referenceWords: number[] = [];
  readonly exceptionWords: number[] = [];
  count = 0;
  private siteOf = new Uint32Array(256);
  private words = new Uint32Array(4096);
  private length = 0;

  /** @param stackWords from the innermost frame's sp on @param registerWords Registers.words */
  constructor(
    private readonly stackWords: Uint32Array,
    private readonly registerWords: Uint32Array,
    private readonly budget: HeaderBudget,
  ) {}

  /** @param at word index of the frame's sp */
  add(plan: FramePlan, at: number): void {
    this.budget.take(plan.words * 4 + 4, 'its stack');
    if (this.count === this.siteOf.length) this.siteOf = grow(this.siteOf, this.count * 2);
    this.siteOf[this.count++] = plan.site;
    const { from, payload, constants, types } = plan;
    const values = from.length;
    if (this.length + plan.words > this.words.length) {
      this.words = grow(this.words, Math.max(this.words.length * 2, this.length + plan.words));
    }
    const { words, stackWords, registerWords } = this;
    let to = this.length;
    for (let i = 0; i < values; i++, to += 2) {
      const type = types[i];
      if (type === ValType.V128) {
        this.addVector(plan, i, at, to);
        to += 2; // and the two words that each value has
      } else if (from[i] === From.Slot) {
        const source = at + payload[i] * 2;
        if (source + 2 > stackWords.length)
          throw damagedStack(`a value of frame ${this.count - 1} lies above the stack`);
        words[to] = stackWords[source];
        words[to + 1] = stackWords[source + 1];
      } else if (from[i] === From.Const) {
        words[to] = constants[payload[i]];
        words[to + 1] = constants[payload[i] + 1];
      } else {
        words[to] = registerWords[payload[i] * REGISTER_WORDS];
        words[to + 1] = registerWords[payload[i] * REGISTER_WORDS + 1];
      }
      // The upper half of a slot or register with a 32-bit value is undefined.
      if (type === ValType.I32 || type === ValType.F32) words[to + 1] = 0;
    }
    for (const word of plan.references) this.referenceWords.push(this.length + word);
    for (const word of plan.exceptions) this.exceptionWords.push(this.length + word);
    this.length = to;
  }

  frames(sites: readonly FrameSite[]): Frames {
    return new Frames(sites, this.siteOf.slice(0, this.count), this.words.slice(0, this.length));
  }

  /** Copies all four words of a v128. */
  private addVector({ from, payload, constants }: FramePlan, i: number, at: number, to: number): void {
    let source = payload[i];
    let words = constants;
    if (from[i] === From.Slot) {
      words = this.stackWords;
      source = at + source * 2;
    } else if (from[i] === From.Register) {
      words = this.registerWords;
      source *= REGISTER_WORDS;
    }
    if (source + 4 > words.length) throw damagedStack(`a value of frame ${this.count - 1} lies above the stack`);
    for (let n = 0; n < 4; n++) this.words[to + n] = words[source + n];
  }
}

function grow(words: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(length);
  grown.set(words);
  return grown;
}
