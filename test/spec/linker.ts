/**
 * The instances of a script, as far as they are known without running: which modules there are, what their names mean
 * at each point of the script, and how their imports bind.
 *
 * All modules of a script that get instantiated become one image. Names change their meaning in the course of a script,
 * but an image is linked once. So each module is linked here when its turn comes, and remembers what the names of its
 * imports meant then.
 */

import type { ModuleInput } from '../../src/compile/link/compile.js';
import { loadHostLayer } from '../../src/compile/link/host-layer.js';
import { linkInstance } from '../../src/compile/link/imports.js';
import type { LinkedInstance } from '../../src/compile/link/linked-instance.js';
import { decodeModule } from '../../src/wasm/decode.js';
import type { Module } from '../../src/wasm/module.js';
import { validateBodies } from '../../src/wasm/validate.js';

/** Decodes and validates. Throws ModuleError or LimitError. */
export function checkModule(bytes: Uint8Array, file: string): Module {
  const module = decodeModule(bytes, file);
  validateBodies(module);
  return module;
}

export class ScriptLinker {
  /** What compileImage takes; the instance of input i is i + 1, the host layer's is 0. */
  readonly inputs: ModuleInput[] = [];
  private readonly instances: LinkedInstance[] = [linkInstance([], 'host', loadHostLayer(), 'host layer')];
  /** Instances by the names that scripts and imports know them by, and the last one. */
  private readonly byId = new Map<string, number | undefined>();
  private readonly registered = new Map<string, number | undefined>();
  private current: number | undefined;

  /**
   * Links a module to those that are registered. Nothing refers to it yet: see bind. Returns the instance's index.
   * @throws ModuleError 'unlinkable'
   */
  add(module: Module, file: string): number {
    const instance = this.link(module, file);
    const links = new Map<string, number>();
    for (const { module: name } of module.imports) links.set(name, this.registered.get(name)! - 1);
    this.inputs.push({ module, file, links });
    return this.instances.push(instance) - 1;
  }

  /** Links a module without keeping it. @throws ModuleError 'unlinkable' */
  link(module: Module, file: string): LinkedInstance {
    const resolve = (name: string) => this.instances[this.registered.get(name) ?? -1];
    return linkInstance(this.instances, '', module, file, { resolve });
  }

  /** Makes an instance the last one, and what `id` means; undefined for a module that there is none of. */
  bind(id: string | undefined, instance: number | undefined): void {
    this.current = instance;
    if (id !== undefined) this.byId.set(id, instance);
  }

  /** From now on modules import an instance by a name; undefined for an instance that there is none of. */
  register(name: string, instance: number | undefined): void {
    this.registered.set(name, instance);
  }

  /** What a module imports from that is registered, but is not there. */
  lacks({ imports }: Module): string | undefined {
    const absent = imports.find(
      ({ module }) => this.registered.has(module) && this.registered.get(module) === undefined,
    );
    return absent?.module;
  }

  /** The instance that `$id` means, or the last one; undefined when there is none. */
  find(id: string | undefined): number | undefined {
    return id === undefined ? this.current : this.byId.get(id);
  }

  module(instance: number): Module {
    return this.instances[instance].module;
  }
}
