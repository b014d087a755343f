/**
 * Builds the AssemblyScript: the host layer, src/runtime/host.ts -> dist/runtime/host.wasm, and the interfaces of WASI
 * 0.2, src/runtime/interfaces/interfaces.ts -> dist/runtime/interfaces.wasm. Does nothing when they are up to date.
 *
 *     node scripts/build-host.mjs [--force] [--quiet]
 *
 * The host layer uses no allocator and no bulk memory: wag-snap itself compiles it, and it runs before anything could
 * support them.
 */

import { mkdirSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src/runtime');
const MODULES = [
  { entry: join(source, 'host.ts'), output: join(root, 'dist/runtime/host.wasm') },
  { entry: join(source, 'interfaces/interfaces.ts'), output: join(root, 'dist/runtime/interfaces.wasm') },
];

function inputs() {
  const folders = [source, join(root, 'src/image/contract')];
  const sources = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((name) => join(folder, name)),
  );
  return [fileURLToPath(import.meta.url), ...sources.filter((file) => file.endsWith('.ts'))];
}

function isUpToDate() {
  const newest = Math.max(...inputs().map((file) => statSync(file).mtimeMs));
  return MODULES.every(({ output }) => {
    const built = statSync(output, { throwIfNoEntry: false });
    return built !== undefined && newest < built.mtimeMs;
  });
}

/** Whether a module has a start section (core spec 5.5.11). */
function hasStartFunction(module) {
  for (let at = 8; at < module.length; ) {
    if (module[at++] === 8) return true;
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      size += (module[at] & 127) << shift;
      more = module[at++] > 127;
    }
    at += size;
  }
  return false;
}

/**
 * @param quick skip optimization: the result is larger and slower, but takes a third of the time
 * @returns what is wrong, or undefined
 */
export async function buildHost({ quick = false } = {}) {
  mkdirSync(dirname(MODULES[0].output), { recursive: true });
  for (const module of MODULES) {
    const problem = await buildModule(module, quick);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function buildModule({ entry, output }, quick) {
  const { default: asc } = await import('assemblyscript/asc');
  const options = ['--runtime', 'stub', '--noAssert', '--use', 'abort=', '--disable', 'bulk-memory'];
  const { error, stderr } = await asc.main([
    relative(root, entry),
    '--baseDir',
    root,
    '--outFile',
    relative(root, output),
    ...options,
    quick ? '-O0' : '-O2',
  ]);
  if (error) return `${stderr.toString()}\n${error.message}`;
  if (!hasStartFunction(readFileSync(output))) return undefined;
  return `${relative(root, output)} has a start function, which nothing runs: initialise globals with literals only`;
}

async function main() {
  const { argv } = process;
  if (!argv.includes('--force') && isUpToDate()) return;
  const started = performance.now();
  const problem = await buildHost();
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    process.exit(70);
  }
  if (argv.includes('--quiet')) return;
  const milliseconds = Math.round(performance.now() - started);
  const sizes = MODULES.map(({ output }) => `${relative(root, output)}: ${statSync(output).size} bytes`);
  console.error(`${sizes.join(', ')} in ${milliseconds} ms`);
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
