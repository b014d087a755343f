/**
 * The types of a merged module: each type of the instances once, in the recursive group that it has there, and value
 * types in terms of the merged indexes. Core spec 3.0, 5.3.
 */

import type { FuncType, Module } from '../module.js';
import { exactOf, FIRST_PLAIN_TYPE, heapByte, keyOf, REF, REF_NULL } from '../ref-types.js';
import type { ByteWriter } from './byte-writer.js';

const FUNCTION = 0x60;
const GROUP = 0x4e;
const OPEN = 0x50;
const FINAL = 0x4f;

/** How many characters of an identity name the group; the rest is the type's place in it. */
const GROUP_NAME = 64;

/** A group with the instance it is taken from; a type that stands alone is a group of one. */
interface Group {
  readonly types: readonly FuncType[];
  /** Undefined where no type of a module is named. */
  readonly module: Module | undefined;
  /** The merged indexes of the module's types. */
  readonly map: Uint32Array;
}

export class MergedTypes {
  private readonly groups: Group[] = [];
  private count = 0;
  /** The merged index of a type, by what is the same for equal types. */
  private readonly known = new Map<string, number>();

  /** Adds a module's types. @returns their merged indexes */
  addAll(module: Module): Uint32Array {
    const { types } = module;
    const map = new Uint32Array(types.length);
    for (let first = 0, size: number; first < types.length; first += size) {
      size = groupSize(types, first);
      const at = this.addGroup({ types: types.slice(first, first + size), module, map });
      for (let i = 0; i < size; i++) map[first + i] = at + i;
    }
    return map;
  }

  /** The merged index of a type that names no other. */
  index(type: FuncType): number {
    return this.addGroup({ types: [type], module: undefined, map: new Uint32Array(0) });
  }

  /** @returns the merged index of the group's first type */
  private addGroup(group: Group): number {
    const key = keyOf(group.types[0]);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const at = this.count;
    this.known.set(key, at);
    this.groups.push(group);
    this.count += group.types.length;
    return at;
  }

  /** What the type section consists of. */
  write(to: ByteWriter, section: number): void {
    to.list(section, this.groups, (into, { types, module, map }) => {
      if (types.length > 1) {
        into.byte(GROUP);
        into.unsigned(types.length);
      }
      for (const type of types) {
        const { supertype, isOpen = false } = type;
        if (isOpen || supertype !== undefined) {
          into.byte(isOpen ? OPEN : FINAL);
          into.byte(supertype === undefined ? 0 : 1);
          if (supertype !== undefined) into.unsigned(map[supertype]);
        }
        into.byte(FUNCTION);
        const { params, results } = exactOf(type);
        for (const list of [params, results]) {
          into.unsigned(list.length);
          for (let i = 0; i < list.length; i++) writeValType(into, list[i], module, map);
        }
      }
    });
  }
}

/** How many types there are in the group that begins at `first`. */
function groupSize(types: readonly FuncType[], first: number): number {
  const group = types[first].identity?.slice(0, GROUP_NAME);
  if (group === undefined) return 1;
  let size = 1;
  while (types[first + size]?.identity === `${group}${size}`) size++;
  return size;
}

/** @param type of the module, which is undefined for a type that names none of it */
export function writeValType(to: ByteWriter, type: number, module: Module | undefined, map: ArrayLike<number>): void {
  if (type >= FIRST_PLAIN_TYPE) return to.byte(type);
  to.byte(module!.refTypes.isNullable(type) ? REF_NULL : REF);
  writeHeapType(to, type, module, map);
}

/** What references of a type refer to. */
export function writeHeapType(to: ByteWriter, type: number, module: Module | undefined, map: ArrayLike<number>): void {
  const index = module?.refTypes.typeIndex(type) ?? -1;
  if (index >= 0) to.signed(map[index]);
  else to.byte(heapByte(type));
}
