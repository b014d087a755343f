/**
 * Modules, images and processes for `inspect`: the same facts as text and as an object. Snapshots describe themselves
 * (src/snapshot/inspect.ts).
 */

import { customSections } from '../../src/api/custom-sections.js';
import { targets } from '../../src/arch/targets.js';
import { terminalLines } from '../../src/base/terminal-text.js';
import type { ImageProcess } from '../../src/capture/process.js';
import { readTrap } from '../../src/capture/trap.js';
import { STATE_NAMES } from '../../src/capture/workloads.js';
import { TH_STATE, TH_TRAP_PARKED } from '../../src/image/contract/thread.js';
import { checkTrapText } from '../../src/image/image-check.js';
import { type ImageDescription, readImage } from '../../src/image/reader.js';
import { SECTION } from '../../src/image/tables/sections.js';
import { ExternKind, type Module } from '../../src/wasm/module.js';
import { formatFuncType, formatGlobalType, formatMemoryType, formatTableType } from '../../src/wasm/text.js';
import { readModule } from '../../src/wasm/wat.js';

export interface Description {
  readonly json: object;
  readonly text: string;
}

/** @param name for people; the path may be a temporary one */
export async function describeModule(path: string, name: string): Promise<Description> {
  const module = await readModule(path, name);
  const { imports, exports, names } = module;
  const seen = [0, 0, 0, 0, 0]; // imports of each kind: the first ones of their index space
  const json = {
    kind: 'module',
    file: name,
    bytes: module.bytes.length,
    name: names?.module ?? null,
    functions: module.funcTypes.length - module.importedFuncCount,
    imports: imports.map((entry) => {
      const type = externType(module, entry.kind, seen[entry.kind]++);
      return { module: entry.module, name: entry.name, type };
    }),
    exports: exports.map(({ name, kind, index }) => ({ name, type: externType(module, kind, index) })),
    memories: module.memories.map(formatMemoryType),
    tables: module.tables.map(formatTableType),
    globals: module.globals.length - module.importedGlobalCount,
    start: module.start ?? null,
    dataSegments: module.datas.length,
    elementSegments: module.elements.length,
  };
  const lines = [
    `module ${name}`,
    `  size        ${json.bytes} bytes${json.name === null ? '' : `, named ${json.name}`}`,
    `  functions   ${json.functions}${names === undefined ? ', without names' : ''}`,
    ...module.memories.map((memory) => `  memory      ${formatMemoryType(memory)} pages of 64 KiB`),
    ...json.tables.map((table) => `  table       ${table}`),
    `  globals     ${json.globals}`,
    `  segments    ${json.dataSegments} data, ${json.elementSegments} element`,
    ...json.imports.map(({ module: from, name, type }) => `  import      ${from}.${name} ${type}`),
    ...json.exports.map(({ name, type }) => `  export      ${name} ${type}`),
  ];
  return { json, text: terminalLines(lines) };
}

/**
 * A WebAssembly coredump: a module in its form, whose state is in custom sections, of which it lists names and sizes.
 */
export async function describeCoredump(path: string, name: string): Promise<Description> {
  const module = await readModule(path, name);
  const sections = customSections(module.bytes, name);
  const memories = module.memories.map(formatMemoryType);
  return {
    json: { kind: 'coredump', file: name, bytes: module.bytes.length, memories, sections },
    text: terminalLines([
      `coredump ${name}`,
      `  size        ${module.bytes.length} bytes`,
      ...memories.map((memory) => `  memory      ${memory} pages of 64 KiB`),
      ...sections.map((section) => `  section     ${section.name}, ${section.bytes} bytes`),
    ]),
  };
}

export function describeImage(path: string, name: string): Description {
  const image = readImage(path);
  try {
    checkImage(image);
    const { json, lines } = imageFacts(image);
    return { json: { kind: 'image', file: name, ...json }, text: terminalLines([`image ${name}`, ...lines]) };
  } finally {
    image.close();
  }
}

/**
 * What is not read to tell what it is: whoever asks for one image can wait for that. @throws InputError 'damaged-image'
 */
function checkImage(image: ImageDescription): void {
  if (image.hasSites) checkTrapText(image, targets[image.arch]);
  for (const index of image.identity.modules.keys()) image.moduleBytes(index);
}

/** A process that may not be looked into, as it has not named us as its tracer, has an unknown state. */
export function describeProcess(process: ImageProcess): Description {
  const { pid, name, args } = process;
  const memory = process.tryMemory();
  const number = memory?.u32(process.thread + TH_STATE);
  const state = (number === undefined ? undefined : STATE_NAMES[number]) ?? 'unknown';
  const system = process.status()?.state ?? '?';
  const { json, lines } = imageFacts(process.image);
  const parked = state === 'trapped' && memory?.u32(process.thread + TH_TRAP_PARKED) === 1;
  const trap = parked ? readTrap(process).trap : null;
  const facts = [
    ...(name === undefined ? [] : [`  name        ${name}`]),
    `  arguments   ${args.join(' ')}`,
    `  state       ${state} (${system})`,
    ...(trap ? [`  trapped     ${trap.message}`] : []),
  ];
  return {
    json: { kind: 'process', pid, name: name ?? null, args, state, trap, systemState: system, image: json },
    text: terminalLines([`process ${pid}`, ...facts, ...lines]),
  };
}

function imageFacts(image: ImageDescription): { json: object; lines: string[] } {
  const { identity, hasSites } = image;
  const guests = identity.modules.filter(({ host }) => !host);
  const resumes = image.section(SECTION.resume) !== undefined;
  const json = {
    arch: identity.arch,
    compiler: identity.compiler,
    deterministic: identity.deterministic,
    bytes: image.source.size,
    codeBytes: identity.text.codeSize,
    resumes,
    functions: hasSites ? image.sites.functionCount : null,
    sites: hasSites ? image.sites.siteCount : null,
    modules: guests.map(({ name, sha256, size, offset }) => ({ name, sha256, size, included: offset >= 0 })),
    instances: identity.instances.slice(1).map(({ name, module }) => ({ name, module: module - 1 })),
  };
  const lines = [
    `  made by     wag-snap ${json.compiler} for ${json.arch}${json.deterministic ? ', deterministic' : ''}`,
    `  size        ${json.bytes} bytes, ${json.codeBytes} of code`,
    hasSites ? `  sites       ${json.sites}` : '  sites       none: a process of it cannot be captured',
    ...(resumes ? ['  resumes     continues from a snapshot'] : []),
    ...json.modules.map(
      ({ name, sha256, size, included }) =>
        `  module      ${name || '(no name)'}, ${size} bytes, sha256 ${sha256.slice(0, 16)}…${included ? '' : ' (left out)'}`,
    ),
  ];
  return { json, lines };
}

function externType(module: Module, kind: ExternKind, index: number): string {
  switch (kind) {
    case ExternKind.Func:
      return formatFuncType(module.types[module.funcTypes[index]]);
    case ExternKind.Table:
      return `table ${formatTableType(module.tables[index])}`;
    case ExternKind.Memory:
      return `memory ${formatMemoryType(module.memories[index])}`;
    case ExternKind.Global:
      return `global ${formatGlobalType(module.globals[index])}`;
    case ExternKind.Tag:
      return `tag ${formatFuncType(module.types[module.tags[index]])}`;
  }
}
