/**
 * Rewrites a module with the legacy form of exceptions into one with try_table, throw_ref and exnref: so that V8 can
 * tell what such a program must do before it knows of them.
 *
 *     try P -> R                     block $done P -> R
 *       body                           block $second P -> (payload exnref)
 *     catch $a                           block $first P -> (payload exnref)
 *       …                                  try_table P -> R (catch_ref $a $first) (catch_all_ref $second)
 *     catch_all                              body
 *       …                                  end
 *     end                                  br $done
 *                                        end
 *                                        local.set $caught, …, br $done
 *                                      end
 *                                      local.set $caught, …
 *                                    end
 *
 * rethrow is throw_ref of the local. A try that delegates is a try_table whose only clause leaves for a block within
 * the body of the try that it delegates to, or within the function's, after which is throw_ref. Some clauses have no
 * reference, some a reference that is dropped or takes the way through a table or a global.
 */

import { decodeModule } from '../../src/wasm/decode.js';
import { type FuncType, type Module, ValType } from '../../src/wasm/module.js';
import { Op } from '../../src/wasm/opcodes.js';
import { exactOf, FIRST_PLAIN_TYPE, funcType, REF, REF_NULL } from '../../src/wasm/ref-types.js';
import { BodyReader } from './body-reader.js';
import { BodyRewriter, HELD, type ModuleRewriter } from './try-table-bodies.js';
import { WasmWriter } from './wasm-writer.js';

const TYPE_SECTION = 1;
const TABLE_SECTION = 4;
const GLOBAL_SECTION = 6;
const CODE_SECTION = 10;

export function withTryTables(bytes: Uint8Array): Uint8Array {
  return new Rewriter(decodeModule(bytes)).rewrite();
}

class Rewriter implements ModuleRewriter {
  private readonly types: FuncType[];
  readonly heldTable: number;
  readonly heldGlobal: number;

  constructor(readonly module: Module) {
    this.types = [...module.types];
    this.heldTable = module.tables.length;
    this.heldGlobal = module.globals.length;
  }

  rewrite(): Uint8Array {
    const { module } = this;
    const { bytes } = module;
    const bodies = Array.from(module.bodyStart, (_, i) => new BodyRewriter(this, i).rewrite());
    const out = new WasmWriter();
    out.append(bytes.subarray(0, 8));
    const reader = new BodyReader(bytes, 8);
    while (reader.at < bytes.length) {
      const from = reader.at;
      const id = bytes[reader.at++];
      const length = reader.leb();
      const start = reader.at;
      reader.at += length;
      const old = () => bytes.subarray(start, reader.at);
      if (id === TYPE_SECTION) this.writeTypes(out, old());
      else if (id === TABLE_SECTION) appendItem(out, id, old(), [ValType.ExnRef, 1, HELD, HELD]);
      else if (id === GLOBAL_SECTION) {
        appendItem(out, id, old(), [ValType.ExnRef, 1, Op.RefNull, ValType.ExnRef, Op.End]);
      } else if (id === CODE_SECTION) {
        out.list(id, bodies, (to, body) => {
          to.sized((inner) => inner.append(body));
        });
      } else {
        // tables come before memories and tags: there may have been none of the module's own
        out.append(bytes.subarray(from, reader.at));
        if (id === 3 && bytes[reader.at] !== TABLE_SECTION) {
          out.list(TABLE_SECTION, [0], (to) => to.byte(ValType.ExnRef, 1, HELD, HELD));
        }
      }
    }
    return out.bytes.slice();
  }

  /** The old ones, then those of blocks. */
  private writeTypes(out: WasmWriter, old: Uint8Array): void {
    const { module, types } = this;
    const reader = new BodyReader(old, 0);
    const groups = reader.leb();
    const added = types.slice(module.types.length);
    out.section(TYPE_SECTION, (to) => {
      to.u32(groups + added.length);
      to.append(old.subarray(reader.at));
      for (const type of added) {
        const { params, results } = exactOf(type);
        to.byte(0x60);
        for (const list of [params, results]) {
          to.u32(list.length);
          for (const value of Array.from(list)) this.writeType(to, value);
        }
      }
    });
  }

  private writeType(to: WasmWriter, type: number): void {
    const { refTypes } = this.module;
    if (type >= FIRST_PLAIN_TYPE) return to.byte(type);
    to.byte(refTypes.isNullable(type) ? REF_NULL : REF);
    to.u32(refTypes.typeIndex(type));
  }

  typeIndex(params: ArrayLike<number>, results: ArrayLike<number>): number {
    const same = (a: ArrayLike<number>, b: ArrayLike<number>) => `${Array.from(a)}` === `${Array.from(b)}`;
    const found = this.types.map(exactOf).findIndex((type) => same(type.params, params) && same(type.results, results));
    if (found >= 0) return found;
    return this.types.push(funcType(Int32Array.from(params), Int32Array.from(results))) - 1;
  }
}

/** A section that is a list, with one more item. */
function appendItem(out: WasmWriter, id: number, old: Uint8Array, item: readonly number[]): void {
  const reader = new BodyReader(old, 0);
  const count = reader.leb();
  out.section(id, (to) => {
    to.u32(count + 1);
    to.append(old.subarray(reader.at));
    to.byte(...item);
  });
}
