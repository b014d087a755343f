/**
 * Checks that the parts of an image fit together, as far as possible without running it: segments, text, trap text,
 * tables, identity. A fault is InputError 'damaged-image'.
 *
 * The check keeps the tool from being misled by an image's tables. It does not make code safe: text is native code, and
 * an image that was made to do harm can pass. Running an image is running a program.
 */

import { limits } from '../wasm/limits.js';
import { FUNC_GUEST, FUNC_HOST, FUNC_IMPORT, FUNC_TRAMPOLINE } from './contract/site-tables.js';
import { type ElfFile, PF_W, PF_X, PT_GNU_STACK, PT_LOAD, type Segment } from './elf.js';
import { damaged } from './tables/damaged.js';
import type { Identity, ImageOutline, InstanceIdentity } from './tables/identity.js';
import type { SiteLookup } from './tables/site-lookup.js';

const MACHINES = { x64: 62, arm64: 183 } as const; // e_machine

/** Checks the segments against the identity: only text is executable, and no interpreter is asked for. */
export function checkLayout(elf: ElfFile, { arch, text, data }: ImageOutline): void {
  if (elf.machine !== MACHINES[arch]) throw damaged(`it is for machine ${elf.machine}, its identity says ${arch}`);
  const other = elf.segments.find(({ type }) => type !== PT_LOAD && type !== PT_GNU_STACK);
  if (other) throw damaged(`it has a segment of type 0x${other.type.toString(16)}`);
  if (elf.segments.some(({ flags }) => (flags & PF_X) !== 0 && (flags & PF_W) !== 0)) {
    throw damaged('a segment can be written and executed');
  }
  const loaded = elf.segments.filter(({ type }) => type === PT_LOAD);
  for (const [i, { imageOffset, fileSize, memorySize }] of loaded.entries()) {
    const before = loaded[i - 1];
    if (fileSize > memorySize || (before && before.imageOffset + before.memorySize > imageOffset)) {
      throw damaged('its segments overlap');
    }
  }
  const holds = ({ imageOffset, memorySize }: Segment, start: number, size: number) =>
    imageOffset <= start && start + size <= imageOffset + memorySize;
  const [code, ...more] = elf.segments.filter(({ flags }) => (flags & PF_X) !== 0);
  if (!code || more.length > 0 || !holds(code, text.imageOffset, text.size) || code.fileSize < code.memorySize) {
    throw damaged('its executable segment is not its text');
  }
  if (text.codeSize > text.size || !(elf.entry >= text.imageOffset && elf.entry < text.imageOffset + text.codeSize)) {
    throw damaged('it does not start in its text');
  }
  if (!loaded.some((segment) => (segment.flags & PF_W) !== 0 && holds(segment, data.imageOffset, data.size))) {
    throw damaged('its data is not loaded to be written');
  }
}

/** Checks that an instance has no more of anything than a module may have, as its lists are read as a whole. */
export function checkCounts({ functions, memories, tables, globals, tags, ...instance }: InstanceIdentity): void {
  const { dataSegments, elementSegments, name } = instance;
  const most: readonly (readonly [string, number, number])[] = [
    ['functions', functions.count, limits.functions + limits.imports],
    ['memories', memories.types.length, limits.memories],
    ['tables', tables.types.length, limits.tables],
    ['globals', globals.types.length, limits.globals + limits.imports],
    ['tags', tags?.types.length ?? 0, limits.tags + limits.imports],
    [
      'values of a tag',
      tags?.types.reduce((most, { length }) => Math.max(most, length), 0) ?? 0,
      limits.functionParams,
    ],
    ['data segments', dataSegments.count, limits.dataSegments],
    ['element segments', elementSegments.count, limits.elementSegments],
  ];
  for (const [what, count, limit] of most) {
    if (count > limit) throw damaged(`instance ${name} has ${count} ${what}, more than ${limit}`);
  }
}

/** Checks the rows of the function table against the identity, and the identity's trampolines against the table. */
export function checkTables(sites: SiteLookup, { instances, types, trampolines }: Identity): void {
  for (let row = 0; row < sites.functionCount; row++) {
    const { kind, instance, index } = sites.function(row);
    const count = instances[instance]?.functions.count ?? 0;
    const own = kind === FUNC_GUEST || kind === FUNC_HOST || kind === FUNC_IMPORT;
    if (own && index >= count) throw damaged(`function ${index} of instance ${instance} is not in its identity`);
    if (kind === FUNC_TRAMPOLINE && index >= types.length) throw damaged('a trampoline is of no type');
  }
  for (const { returnOffset } of trampolines) {
    const row = sites.functionAt(returnOffset);
    const owner = row < 0 ? undefined : sites.function(row);
    if (owner?.kind !== FUNC_TRAMPOLINE) throw damaged('a trampoline is not where its identity says');
  }
}
