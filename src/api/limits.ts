/** The limits of modules. */

export { limits } from '../wasm/limits.js';
