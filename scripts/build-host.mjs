/**
 * Builds the host layer: src/runtime/host.ts (AssemblyScript) -> dist/runtime/host.wasm. Does nothing when that is up to date.
 *
 *     node scripts/build-host.mjs [--force] [--quiet]
 *
 * No allocator and no bulk memory: the host layer is compiled by wag-snap itself and runs before anything could help it.
 */

import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src/runtime');
const entry = join(source, 'host.ts');
const output = join(root, 'dist/runtime/host.wasm');
const quiet = process.argv.includes('--quiet');

function inputs() {
  const folders = [source, join(root, 'src/image/contract')];
  const sources = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map((name) => join(folder, name)),
  );
  return [fileURLToPath(import.meta.url), ...sources.filter((file) => file.endsWith('.ts'))];
}

function isUpToDate() {
  const built = statSync(output, { throwIfNoEntry: false });
  return built !== undefined && inputs().every((file) => statSync(file).mtimeMs < built.mtimeMs);
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

async function build() {
  const started = performance.now();
  mkdirSync(dirname(output), { recursive: true });
  const { default: asc } = await import('assemblyscript/asc');
  const options = ['--runtime', 'stub', '--noAssert', '--use', 'abort=', '--disable', 'bulk-memory', '-O2'];
  const { error, stderr } = await asc.main([
    relative(root, entry),
    '--baseDir',
    root,
    '--outFile',
    relative(root, output),
    ...options,
  ]);
  if (error) {
    process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
    process.exit(70);
  }
  if (hasStartFunction(readFileSync(output))) {
    process.stderr.write('host.wasm has a start function, which nothing runs: initialise globals with literals only\n');
    process.exit(70);
  }
  if (quiet) return;
  const milliseconds = Math.round(performance.now() - started);
  console.error(`${relative(root, output)}: ${statSync(output).size} bytes in ${milliseconds} ms`);
}

if (process.argv.includes('--force') || !isUpToDate()) await build();
