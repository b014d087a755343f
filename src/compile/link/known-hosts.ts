/**
 * Recognizes modules that were made for another host than WASI by their imports. A list of all missing imports would
 * not tell people that.
 */

import { ExternKind, type Import, type Module } from '../../wasm/module.js';

type Test = (entry: Import, module: Module) => boolean;

const HOSTS: readonly (readonly [test: Test, what: string])[] = [
  [
    ({ module, name }) => /^(wbg|__wbindgen_.*)$|_bg\.js$/.test(module) || /^__wb(g|indgen)_/.test(name),
    'it was made by wasm-bindgen: its host is JavaScript',
  ],
  [
    ({ module, name }) => module === 'gojs' || (module === 'go' && name.startsWith('runtime.')),
    'it was made by Go for JavaScript: GOOS=wasip1 makes one for WASI',
  ],
  [
    ({ name }) =>
      /^_?emscripten_|^invoke_[vijfd]+$|^__cxa_|^_?__syscall_|^_embind_|^_abort_js$|^__asyncjs__/.test(name),
    'it was made by Emscripten: its host is JavaScript (emcc -sSTANDALONE_WASM makes one for WASI)',
  ],
  [
    ({ module, name }) => module === 'a' && /^[A-Za-z]{1,2}$/.test(name),
    'its names are minified as Emscripten does: its host is JavaScript (emcc -sSTANDALONE_WASM makes one for WASI)',
  ],
  [({ module }) => /^wasix_/.test(module), 'not supported yet: WASIX; WASI preview 1 is'],
  [
    ({ module }) => /^(cm32p2\|)?wasi:/.test(module),
    'it is for WASI 0.2: supported are WASI preview 1 in modules (wasm32-wasip1), in components also cli, io, clocks, random and filesystem',
  ],
  [({ module }) => /^wasi_ephemeral_/.test(module), 'not supported yet: WASI proposals beyond preview 1'],
  [
    ({ module, name, ...entry }, { types }) =>
      module === 'env' &&
      name === 'abort' &&
      entry.kind === ExternKind.Func &&
      'typeIndex' in entry &&
      types[entry.typeIndex].params.length === 4,
    'it was made by AssemblyScript: asc --use abort= leaves that import out',
  ],
];

/** What host a module is for; undefined when its imports do not tell. @param missing those that nothing provides */
export function knownHost(missing: readonly Import[], module: Module): string | undefined {
  return HOSTS.find(([test]) => missing.some((entry) => test(entry, module)))?.[1];
}
