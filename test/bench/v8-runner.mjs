/**
 * Runs a WASI program in this Node: `node [--liftoff-only|--no-liftoff] v8-runner.mjs MODULE ARG…`, with the working
 * directory preopened as ".". What the bench compares with.
 */

import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const [file, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [file, ...args], env: {}, preopens: { '.': '.' } });
const module = new WebAssembly.Module(readFileSync(file));
process.exit(wasi.start(new WebAssembly.Instance(module, wasi.getImportObject())));
