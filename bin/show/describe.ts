/** Prints what `inspect` found: a description as text, and as an object. */

import type {
  ComponentDescription,
  CoredumpDescription,
  FileDescription,
  ImageFacts,
  ModuleDescription,
  ProcessDescription,
} from '../../src/api/description.js';
import { terminalLines } from '../../src/base/terminal-text.js';
import { importList } from './import-list.js';

export interface Description {
  readonly json: object;
  readonly text: string;
}

/** snapshot.ts shows snapshots. */
export function showDescription(facts: FileDescription | ProcessDescription): Description {
  switch (facts.kind) {
    case 'module': {
      const { hasNames: _, ...json } = facts;
      return { json, text: terminalLines(moduleLines(facts)) };
    }
    case 'component':
      return { json: facts, text: terminalLines(componentLines(facts)) };
    case 'coredump':
      return { json: facts, text: terminalLines(coredumpLines(facts)) };
    case 'image':
      return { json: facts, text: terminalLines([`image ${facts.file}`, ...imageLines(facts)]) };
    case 'process':
      return { json: facts, text: terminalLines([...processLines(facts), ...imageLines(facts.image)]) };
  }
}

function moduleLines(facts: ModuleDescription): string[] {
  return [
    `module ${facts.file}`,
    `  size        ${facts.bytes} bytes${facts.name === null ? '' : `, named ${facts.name}`}`,
    `  functions   ${facts.functions}${facts.hasNames ? '' : ', without names'}`,
    ...memoryLines(facts.memories),
    ...facts.tables.map((table) => `  table       ${table}`),
    `  globals     ${facts.globals}`,
    `  segments    ${facts.dataSegments} data, ${facts.elementSegments} element`,
    ...facts.imports.map(({ module: from, name, type }) => `  import      ${from}.${name} ${type}`),
    ...facts.exports.map(({ name, type }) => `  export      ${name} ${type}`),
  ];
}

function componentLines(facts: ComponentDescription): string[] {
  const list = (functions: readonly string[]) => (functions.length === 0 ? '' : `: ${functions.join(', ')}`);
  return [
    `component ${facts.file}`,
    `  size        ${facts.bytes} bytes`,
    `  world       ${facts.world ?? 'none of WASI'}`,
    `  runs        ${runs(facts)}`,
    ...facts.missing.map((name) => `  missing     ${name}`),
    ...facts.coreModules.map(
      ({ name, bytes, offset }, i) =>
        `  core module ${i}${name === null ? '' : `, ${name}`}, ${bytes} bytes at 0x${offset.toString(16)}`,
    ),
    ...facts.imports.map(({ name, functions }) => `  import      ${name}${list(functions)}`),
    ...facts.exports.map(({ name, functions }) => `  export      ${name}${list(functions)}`),
  ];
}

/** The part of a component that is compiled. */
function runs({ main, refused }: ComponentDescription): string {
  if (refused !== null) return `no: ${refused}`;
  return main === null ? 'its core modules, linked' : `core module ${main}`;
}

/** A coredump's state is in custom sections: lists their names and sizes. */
function coredumpLines({ file, bytes, memories, sections }: CoredumpDescription): string[] {
  return [
    `coredump ${file}`,
    `  size        ${bytes} bytes`,
    ...memoryLines(memories),
    ...sections.map((section) => `  section     ${section.name}, ${section.bytes} bytes`),
  ];
}

function memoryLines(memories: readonly string[]): string[] {
  return memories.map((memory) => {
    const small = / \(pagesize 1\)$/;
    return `  memory      ${small.test(memory) ? `${memory.replace(small, '')} bytes` : `${memory} pages of 64 KiB`}`;
  });
}

function processLines({ pid, name, args, state, systemState, trap }: ProcessDescription): string[] {
  return [
    `process ${pid}`,
    ...(name === null ? [] : [`  name        ${name}`]),
    `  arguments   ${args.join(' ')}`,
    `  state       ${state} (${systemState})`,
    ...(trap ? [`  trapped     ${trap.message}`] : []),
  ];
}

function imageLines(facts: ImageFacts): string[] {
  return [
    `  made by     wag-snap ${facts.compiler} for ${facts.arch}${facts.deterministic ? ', deterministic' : ''}`,
    `  size        ${facts.bytes} bytes, ${facts.codeBytes} of code`,
    facts.sites === null ? '  sites       none: a process of it cannot be captured' : `  sites       ${facts.sites}`,
    ...(facts.resumes ? ['  resumes     continues from a snapshot'] : []),
    ...(facts.hostImports.length > 0 ? [`  embedder    ${importList(facts.hostImports)}`] : []),
    ...facts.modules.map(
      ({ name, sha256, size, included }) =>
        `  module      ${name || '(no name)'}, ${size} bytes, sha256 ${sha256.slice(0, 16)}…${included ? '' : ' (left out)'}`,
    ),
  ];
}
