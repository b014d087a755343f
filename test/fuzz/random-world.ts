/** Random worlds in WIT: an interface that is exported, whose functions have types of all kinds. */

import type { Choices } from './choices.js';

const PRIMITIVES = ['bool', 'u8', 's16', 'u32', 's64', 'u64', 'f32', 'f64', 'char', 'string'];
const MOST_PARAMS = 18; // 16 are passed flat

export function randomWorld(choices: Choices): string {
  return new RandomWorld(choices).text();
}

class RandomWorld {
  private readonly definitions: string[] = [];
  /** Types that have a name. */
  private readonly names: string[] = [];

  constructor(private readonly choices: Choices) {}

  text(): string {
    const { choices } = this;
    for (let n = choices.next(6); n > 0; n--) this.define();
    const functions = Array.from({ length: 1 + choices.next(3) }, (_, i) => this.function(`f${i}`));
    return `package test:random;
interface tested { ${[...this.definitions, ...functions].join('\n  ')} }
world w { export tested; }`;
  }

  private define(): void {
    const { choices } = this;
    const name = `t${this.names.length}`;
    const list = (most: number, write: (i: number) => string) =>
      Array.from({ length: 1 + choices.small(most) }, (_, i) => write(i)).join(', ');
    const forms = [
      () => `record ${name} { ${list(9, (i) => `a${i}: ${this.type(2)}`)} }`,
      () => `variant ${name} { ${list(9, (i) => (choices.oneIn(3) ? `b${i}` : `b${i}(${this.type(2)})`))} }`,
      () => `flags ${name} { ${list(32, (i) => `c${i}`)} }`,
      () => `enum ${name} { ${list(300, (i) => `d${i}`)} }`,
      () => `resource ${name};`,
    ];
    const form = choices.next(forms.length);
    this.definitions.push(forms[form]!());
    this.names.push(form === forms.length - 1 ? `own<${name}>` : name);
  }

  private function(name: string): string {
    const { choices } = this;
    const params = Array.from({ length: choices.small(MOST_PARAMS) }, (_, i) => `p${i}: ${this.type(3)}`);
    const result = choices.oneIn(4) ? '' : ` -> ${this.type(3)}`;
    return `${name}: func(${params.join(', ')})${result};`;
  }

  private type(depth: number): string {
    const { choices, names } = this;
    const simple = () => choices.pick([...PRIMITIVES, ...names]);
    if (depth === 0) return simple();
    const inner = () => this.type(depth - 1);
    const forms = [
      simple,
      simple,
      simple,
      () => `list<${inner()}>`,
      () => `option<${inner()}>`,
      () => `tuple<${Array.from({ length: 1 + choices.small(6) }, inner).join(', ')}>`,
      () => choices.pick([`result<${inner()}, ${inner()}>`, `result<_, ${inner()}>`, `result<${inner()}>`, 'result']),
    ];
    return choices.pick(forms)();
  }
}
