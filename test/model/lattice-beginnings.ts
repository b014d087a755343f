/** Where the explorations of the lattice begin: each is a few steps before something may go wrong. */

import { after } from './lattice-search.js';
import { type Budget, newWorld, type Rules, type World } from './lattice-world.js';

const JOINED = ['a starts', 'a is cut off', 'b starts', 'b is cut off', 'a is connected', 'b is connected'];
const RUNS = ['a starts', 'a ...', 'b starts', 'b ...', 'a ...'];
/** b is well; a stands still, with a renewal under way. */
const SILENT = [...RUNS, 'time', 'b ...', 'time', 'a looks at its clock', 'a stands still', 'b ...', 'time', 'b ...'];
/** Just before b takes the job. */
const FENCED = [...SILENT, 'time', 'b ...', 'time', 'b ...'];
const SENDING = [...RUNS, 'a user asks for a move to b', 'a ...'];
const SENT = [...SENDING, 'the program arrives', 'b ...', 'a notices "parked"'];
const RENEWED = [...SILENT, "a's write of node.a arrives, no answer", 'b ...', 'time', 'b ...'];
const RECALLED = [...SENT, 'the source loses the link', 'a notices "not-sent"'];
const CAPTURED = [...RUNS, 'a captures', 'a ...', 'b ...', 'a stands still'];
const SAVED = [...RUNS, 'a captures', 'a notices "captured"', 'a captures', 'a captures'];
/** b is lost, and a knows it, when a user asks for a move to b. */
const NOWHERE = [...RUNS, 'b is lost', ...Array(6).fill(['time', 'a ...']).flat(), 'a user asks for a move to b'];

export interface Beginning {
  readonly name: string;
  /** At least so many states are known when all runs with one fault are. */
  readonly least: number;
  readonly world: (rules: Rules) => World;
}

const beginning = (name: string, least: number, steps: readonly string[], budget: Partial<Budget>): Beginning => ({
  name,
  least,
  world: (rules) => {
    const begin = after(newWorld({ moves: 1, captures: 3, losses: 1 }), steps, rules);
    begin.budget = newWorld(budget).budget;
    return begin;
  },
});

export const BEGINNINGS: readonly Beginning[] = [
  beginning('two nodes and a free job', 900, JOINED, { crashes: 1, copies: 1 }),
  beginning('a runs it', 550, RUNS, { crashes: 1, captures: 1, stops: 1, exits: 1 }),
  beginning('a stands still', 400, SILENT, { crashes: 1, captures: 1, copies: 1 }),
  beginning('a stands still, and its renewal has arrived', 290, RENEWED, { captures: 1 }),
  beginning('a has captured it, and stands still', 350, CAPTURED, { captures: 1 }),
  beginning('a is fenced', 100, FENCED, { crashes: 1, captures: 1, copies: 1 }),
  beginning('a is sending it to b', 1, SENDING, { captures: 1 }),
  beginning('a has sent it to b', 800, SENT, { crashes: 1, captures: 1, copies: 1 }),
  beginning('a has sent it to b, which is asked for again', 750, SENT, { moves: 1, captures: 1 }),
  beginning('a wants it back', 700, RECALLED, { moves: 1 }),
  beginning('a has captured it three times', 750, SAVED, { crashes: 1, copies: 1 }),
  beginning('a runs it, and is asked for everything', 800, RUNS, { drains: 1, leaves: 1, moves: 1, losses: 1 }),
  beginning('a runs it, and shall move it to b, which is lost', 110, NOWHERE, { leaves: 1, drains: 1 }),
  beginning('a has sent it to b, and is to leave', 900, SENT, { leaves: 1, losses: 1 }),
];
