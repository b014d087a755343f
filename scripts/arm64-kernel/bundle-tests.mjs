/**
 * Bundles the tests as plain JavaScript, as compiling TypeScript module by module takes most of the time on a slow
 * machine. Each test file becomes one file of the same name, shared code goes into chunks, and `import.meta.dirname` of
 * each module stays what it was.
 *
 * Tests are not run like this elsewhere (vitest.config.ts). Packages are not bundled.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { build, stop } from 'esbuild-wasm';
import { root } from '../setup.mjs';

/** vitest's configuration for them. */
export const CONFIG = `export default { test: {
  include: ['bundled/**/*.test.js'], testTimeout: 1200000, hookTimeout: 1200000, pool: 'forks', maxWorkers: 1, minWorkers: 1,
  server: { deps: { external: [/chunks/] } },
} };
`;

/**
 * @param filters parts of paths below the package; every test file that has one of them
 * @param there the package's folder in the virtual machine
 * @returns contents by path below the package
 */
export async function bundleTests(filters, there) {
  const all = readdirSync(`${root}/test`, { recursive: true }).filter((path) => path.endsWith('.test.ts'));
  const chosen = all.map((path) => `test/${path}`).filter((path) => filters.some((filter) => path.includes(filter)));
  if (chosen.length === 0) throw new Error(`no tests of these names: ${filters.join(' ')}`);
  const { outputFiles } = await build({
    entryPoints: chosen.map((path) => `${root}/${path}`),
    outbase: root,
    outdir: `${root}/bundled`,
    chunkNames: 'chunks/[hash]',
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    plugins: [
      { name: 'places', setup: (plugin) => plugin.onLoad({ filter: /\.ts$/ }, ({ path }) => load(path, there)) },
    ],
  });
  await stop();
  return Object.fromEntries(outputFiles.map(({ path, contents }) => [relative(root, path), contents]));
}

function load(path, there) {
  const place = `${there}/${relative(root, path)}`;
  const contents = readFileSync(path, 'utf8')
    .replaceAll('import.meta.dirname', JSON.stringify(place.slice(0, place.lastIndexOf('/'))))
    .replaceAll('import.meta.url', JSON.stringify(`file://${place}`));
  return { contents, loader: 'ts' };
}
