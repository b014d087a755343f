/** What a module may have at most. */

export { limits } from '../wasm/limits.js';
