/**
 * Components of random worlds (random-world.ts), as they are made by wasm-tools and with a core type or a canonical
 * option changed: we refuse what jco, which validates as wasm-tools does, refuses. So core types and options are
 * compared with another implementation of the canonical ABI.
 */

import { $init, generate } from '@bytecodealliance/jco-transpile/component';
import { componentEmbed, componentNew, parse, print } from '@bytecodealliance/jco-transpile/wasm-tools';
import { loadInterfaces } from '../../src/api/interfaces.js';
import { ModuleError } from '../../src/base/errors.js';
import { commandModule } from '../../src/wasm/component/command.js';
import { Choices } from './choices.js';
import { randomWorld } from './random-world.js';

/** What is changed: a type of a core function, and options of a lifted one. */
const CORE_MODULES = /^ {2}\(core module[\s\S]*?^ {2}\)$/gm;
const TYPES = /\(func(?: \(param [if0-9 ]+\))?(?: \(result [if0-9 ]+\))?\)\)/g;
const OPTIONS = /(?<=canon lift[^\n]*) \((?:memory|realloc|post-return) [^()]*\)/g;
/**
 * What we do not look at before a program is linked: what core instances are given, and a component's own resources,
 * with which none is linked.
 */
const OTHERS = /of module instantiation argument|for a destructor/;
/** A function's type where its index is given, too. */
const REPEATED = /(?<=\(func \(;\d+;\) \(type \d+\))(?: \((?:param|result) [^)]*\))+/g;
const VALUE_TYPES = ['i32', 'i64', 'f32', 'f64'];

/** @returns what was wrong, if anything, and whether the component was valid */
export async function compareSignatures(seed: number): Promise<{ wrong?: string; isValid: boolean }> {
  await $init;
  const choices = new Choices(seed);
  const witSource = randomWorld(choices);
  const embedded = await componentEmbed({ witSource, dummy: true });
  const made = await componentNew(embedded);
  const bytes = choices.oneIn(3) ? made : await parse(changed((await print(made)).replace(REPEATED, ''), choices));
  const judged = refusal(() => generate(bytes, { name: 'c', noTypescript: true, base64Cutoff: 0 }));
  const ours = refusal(() => commandModule(bytes, 'random.wasm', loadInterfaces));
  // It is no command, which is said of those that are valid.
  const isRefused = !(ours instanceof ModuleError) || ours.code !== 'unsupported';
  const isValid = judged === undefined;
  if (isRefused !== isValid || OTHERS.test(`${judged}`)) return { isValid };
  return { isValid, wrong: `${judged ?? 'valid'}, but we say ${ours}, for a change of\n${witSource}` };
}

function refusal(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The text with one place changed, if it has such a place. */
function changed(text: string, choices: Choices): string {
  const isType = choices.oneIn(2);
  const places = isType
    ? [...text.matchAll(CORE_MODULES)].flatMap(({ 0: module, index: at }) =>
        Array.from(module.matchAll(TYPES), ({ 0: found, index }) => ({ 0: found, index: at + index })),
      )
    : [...text.matchAll(OPTIONS)];
  if (places.length === 0) return text;
  const { 0: found, index } = choices.pick(places);
  return text.slice(0, index) + (isType ? changedType(found, choices) : '') + text.slice(index + found.length);
}

function changedType(text: string, choices: Choices): string {
  const words = [...text.matchAll(/[if](?:32|64)/g)];
  if (words.length === 0) return '(func (param i32)))';
  const { 0: found, index } = choices.pick(words);
  const by = choices.oneIn(3) ? '' : choices.pick(VALUE_TYPES);
  return text.slice(0, index) + by + text.slice(index + found.length);
}
