/**
 * The host layer: what every image carries besides its guests. Entry file of its build (scripts/build-host.mjs).
 *
 * AssemblyScript, instance 0 of an image. What generated code and stubs call is exported here under the name they ask
 * for: process life from process/, WASI preview 1 from wasi/.
 */

export { boot } from './process/boot';
export {
  memory_copy,
  memory_fill,
  memory_grow,
  memory_init,
  table_copy,
  table_fill,
  table_grow,
  table_init,
} from './process/builtins';
export { on_signal } from './process/signals';
export { start } from './process/start';
export { raise } from './process/traps';
