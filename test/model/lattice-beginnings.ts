/** Where the explorations of the lattice begin: each is a few steps before something may go wrong. */

import { after } from './lattice-search.js';
import { type Budget, newWorld, type Rules, type World } from './lattice-world.js';

const JOINED = ['a starts', 'a is cut off', 'b starts', 'b is cut off', 'a is connected', 'b is connected'];
const RUNS = ['a starts', 'a ...', 'b starts', 'b ...', 'a ...'];
/** b is well; a stands still, with a renewal under way. */
const SILENT = [...RUNS, 'time', 'b ...', 'time', 'a looks at its clock', 'a stands still', 'b ...', 'time', 'b ...'];
/** Just before b takes the job. */
const FENCED = [...SILENT, 'time', 'b ...', 'time', 'b ...'];
const SENT = [...RUNS, 'a user asks for a move to b', 'a ...', 'the program arrives', 'b ...', 'a notices "parked"'];
const RENEWED = [...SILENT, "a's write of node.a arrives, no answer", 'b ...', 'time', 'b ...'];
const RECALLED = [...SENT, 'the source loses the link', 'a notices "not-sent"'];
const CAPTURED = [...RUNS, 'a captures', 'a ...', 'b ...', 'a stands still'];

export interface Beginning {
  readonly name: string;
  readonly world: (rules: Rules) => World;
}

const beginning = (name: string, steps: readonly string[], budget: Partial<Budget>): Beginning => ({
  name,
  world: (rules) => {
    const begin = after(newWorld({ moves: 1, captures: 1 }), steps, rules);
    begin.budget = newWorld(budget).budget;
    return begin;
  },
});

export const BEGINNINGS: readonly Beginning[] = [
  beginning('two nodes and a free job', JOINED, { crashes: 1, copies: 1 }),
  beginning('a runs it', RUNS, { crashes: 1, captures: 1, stops: 1, exits: 1 }),
  beginning('a stands still', SILENT, { crashes: 1, captures: 1, copies: 1 }),
  beginning('a stands still, and its renewal has arrived', RENEWED, { captures: 1 }),
  beginning('a has captured it, and stands still', CAPTURED, { captures: 1 }),
  beginning('a is fenced', FENCED, { crashes: 1, captures: 1, copies: 1 }),
  beginning('a has sent it to b', SENT, { crashes: 1, captures: 1, copies: 1 }),
  beginning('a has sent it to b, which is asked for again', SENT, { moves: 1, captures: 1 }),
  beginning('a wants it back', RECALLED, { moves: 1 }),
];
