/**
 * What the types of a component mean: indexes and aliases are followed, and each resource is told from all others.
 *
 * A type refers to types that are defined before it, in its own index space or in one further out. So following ends.
 * The index space of a component is its Scope (instantiate.ts). The type of an imported instance has one of its own
 * (InstanceTypes): it is made for each import, as the resources of two imports are two.
 */

import { ModuleError } from '../../base/errors.js';
import { limitError, limits } from '../limits.js';
import { Sort } from './definitions.js';
import type { Graph, Scope, TypeItem } from './instantiate.js';
import type { ComponentType, Declaration, DefinedType, ExternType } from './types.js';

/** A type, and the index space that its own indexes are of. */
export type ResolvedType =
  | { readonly kind: 'resource'; readonly name: string }
  | {
      readonly kind: 'type';
      readonly type: DefinedType;
      readonly space: TypeSpace;
      /** Its own, where it was defined. */
      readonly index: number;
      readonly offset: number;
    };

interface TypeSpace {
  /** Those further out, the next one first. */
  readonly outer: readonly Outer[];
  /** @param before a type that refers to it: its index in the same space @throws ModuleError 'invalid' */
  at(index: number, before: number, offset: number): ResolvedType;
}

/** Where a space ends for a type that stands in it. */
interface Outer {
  readonly space: TypeSpace;
  readonly index: number;
}

/** The type under an index that a type has in it. @throws ModuleError 'invalid' */
export function referred(from: ResolvedType & { kind: 'type' }, index: number): ResolvedType {
  return from.space.at(index, from.index, from.offset);
}

/** The types of a component that is instantiated. */
export class Types {
  private readonly imports = new Map<string, InstanceTypes | undefined>();
  private readonly spaces = new Map<Scope, TypeSpace>();
  private readonly budget: Budget = { left: limits.componentDefinitions };

  constructor(private readonly graph: Graph) {}

  /** @throws ModuleError 'invalid' */
  resolve(item: TypeItem): ResolvedType {
    if (item.kind === 'type') {
      const { type, scope, index, offset } = item;
      if (type.kind === 'resource') return { kind: 'resource', name: `resource ${index} of the component` };
      return { kind: 'type', type, space: this.space(scope), index, offset };
    }
    const [first, ...names] = item.path;
    const last = names.pop();
    let instance = last === undefined ? undefined : this.ofImport(first);
    for (const name of names) instance = instance?.instances.get(name);
    // A type without an interface is a resource: another one is what it is equal to.
    return instance?.types.get(last!) ?? { kind: 'resource', name: item.path.join(' ') };
  }

  /** The type of an instance that the component imports; undefined: it imports none of that name. */
  ofImport(name: string): InstanceTypes | undefined {
    if (!this.imports.has(name)) this.imports.set(name, this.read(name));
    return this.imports.get(name);
  }

  private read(name: string): InstanceTypes | undefined {
    const { imports, scope, file } = this.graph;
    const found = imports.find((entry) => entry.name === name);
    if (found?.type.kind !== 'instance') return undefined;
    const item = scope.get(Sort.Type, found.type.index, found.offset);
    if (item.kind !== 'type' || item.type.kind !== 'instance') return undefined;
    const outer = { space: this.space(item.scope), index: item.index };
    return new InstanceTypes(item.type, [outer], name, { file, offset: found.offset, budget: this.budget });
  }

  private space(scope: Scope): TypeSpace {
    let space = this.spaces.get(scope);
    if (space === undefined) this.spaces.set(scope, (space = this.spaceOf(scope)));
    return space;
  }

  private spaceOf(scope: Scope): TypeSpace {
    const known: ResolvedType[] = [];
    return {
      outer: [],
      at: (index, before, offset) => {
        if (index >= before) throw unknownType(index, this.graph.file, offset);
        return (known[index] ??= this.resolve(scope.get(Sort.Type, index, offset)));
      },
    };
  }
}

/** How many declarations may be carried out: an instance may have another one in it very often. */
interface Budget {
  left: number;
}

/** What an instance takes, in declarations. */
const INSTANCE = 16;

interface Place {
  readonly file: string;
  readonly offset: number;
  readonly budget: Budget;
}

/** What the type of an imported instance declares. */
export class InstanceTypes implements TypeSpace {
  /** By the names of exports. */
  readonly types = new Map<string, ResolvedType>();
  readonly functions = new Map<string, ResolvedType>();
  readonly instances = new Map<string, InstanceTypes>();
  private readonly space: ResolvedType[] = [];
  private readonly numbered: InstanceTypes[] = [];

  /**
   * @param outer the spaces further out, the next one first
   * @param name of the instance, for its resources
   * @throws ModuleError 'invalid', LimitError
   */
  constructor(
    type: ComponentType,
    readonly outer: readonly Outer[],
    private readonly name: string,
    private readonly place: Place,
  ) {
    if (outer.length > limits.componentDepth) {
      throw limitError('componentDepth', outer.length, place.offset, place.file);
    }
    if ((place.budget.left -= INSTANCE + type.declarations.length) < 0) {
      const carriedOut = limits.componentDefinitions - place.budget.left;
      throw limitError('componentDefinitions', carriedOut, place.offset, place.file);
    }
    for (const declaration of type.declarations) this.declare(declaration);
  }

  at(index: number, before = this.space.length, offset = this.place.offset): ResolvedType {
    if (index < before && index < this.space.length) return this.space[index];
    throw unknownType(index, this.place.file, offset);
  }

  private declare(declaration: Declaration): void {
    switch (declaration.kind) {
      case 'type':
        this.space.push({
          kind: 'type',
          type: declaration.type,
          space: this,
          index: this.space.length,
          offset: this.place.offset,
        });
        return;
      case 'outer type': {
        const { count, index, offset } = declaration;
        const from = count === 0 ? { space: this, index: this.space.length } : this.outer[count - 1];
        if (from === undefined) {
          const detail = `not supported yet: a type of an import that refers ${count} components further out`;
          throw new ModuleError('unsupported', detail, offset, this.place.file);
        }
        this.space.push(from.space.at(index, from.index, offset));
        return;
      }
      case 'type of instance': {
        const { instance, name, offset } = declaration;
        const found = this.numbered[instance]?.types.get(name);
        if (found === undefined) throw this.invalid(`instance ${instance} has no type ${name}`, offset);
        this.space.push(found);
        return;
      }
      case 'export':
        this.export(declaration.name, declaration.type);
    }
  }

  private export(name: string, type: ExternType): void {
    if (type.kind === 'type') {
      const resource = { kind: 'resource', name: `${this.name} ${name}` } as const;
      const found = type.equals === undefined ? resource : this.at(type.equals);
      this.space.push(found);
      this.types.set(name, found);
    } else if (type.kind === 'func') this.functions.set(name, this.at(type.index));
    else if (type.kind === 'instance') {
      const of = this.at(type.index);
      if (of.kind === 'resource' || of.type.kind !== 'instance')
        throw this.invalid(`type ${type.index} is no instance`);
      const outer = [{ space: of.space, index: of.index }, ...of.space.outer];
      const instance = new InstanceTypes(of.type, outer, `${this.name} ${name}`, this.place);
      this.numbered.push(instance);
      this.instances.set(name, instance);
    }
  }

  private invalid(detail: string, offset = this.place.offset): ModuleError {
    return new ModuleError('invalid', detail, offset, this.place.file);
  }
}

function unknownType(index: number, file: string, offset: number): ModuleError {
  return new ModuleError('invalid', `unknown type ${index}`, offset, file);
}
