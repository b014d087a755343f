/**
 * The last step of the build: bundles dist/bin and dist/src/api, with everything that they import, into a few files in
 * dist/bundle: main.js, which bin/wag-snap starts, and library.js, which programs import. Loading two hundred small
 * modules takes longer than most commands.
 *
 * The bundle contains an id of its build, which is a part of the keys of cached images (src/api/cached-image.ts).
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build, stop } from 'esbuild-wasm';
import { root } from './setup.mjs';

function contents(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) =>
      entry.isDirectory() ? contents(`${folder}/${entry.name}`) : readFileSync(`${folder}/${entry.name}`, 'latin1'),
    )
    .join('\0');
}

const parts = ['src/arch', 'src/wasm', 'src/image', 'src/compile', 'runtime'].map((part) =>
  contents(`${root}/dist/${part}`),
);
const fingerprint = createHash('sha256').update(parts.join('\0'), 'latin1').digest('hex');

for (const folder of ['bundle', 'cli']) rmSync(`${root}/dist/${folder}`, { recursive: true, force: true });
const options = {
  entryPoints: {
    main: `${root}/dist/bin/main.js`,
    library: `${root}/dist/src/api/index.js`,
    thread: `${root}/dist/src/compile/parallel/thread.js`,
    'image-thread': `${root}/dist/src/api/image-thread.js`,
    'hash-thread': `${root}/dist/src/snapshot/packing/hash-thread.js`,
    'unpack-thread': `${root}/dist/src/api/unpack-thread.js`,
    'guard-process': `${root}/dist/src/lattice/guard-process.js`,
  },
  outdir: `${root}/dist/bundle`,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: 'linked',
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 200, // Node prints the line from which an error is thrown
  external: ['wabt', '@bokuweb/zstd-wasm', '@bytecodealliance/*'],
  // yargs uses it to measure help text, and ours is ASCII: Unicode's tables take a fifth of a short command's time
  alias: { 'string-width': `${root}/scripts/ascii-width.mjs` },
  banner: {
    js: "import { createRequire as $createRequire } from 'node:module';\nconst require = $createRequire(import.meta.url);",
  },
  define: { WAGSNAP_BUILD: JSON.stringify(fingerprint) },
  logLevel: 'warning',
};
await build(options).catch(async (error) => {
  // V8 was seen to end esbuild's process on a busy machine: "invalid size error"
  if (error.errors?.length > 0) throw error;
  console.error(`esbuild has ended (${error.message}): once more`);
  await stop();
  await build(options);
});
await stop();

// what every image begins with, for each CPU (src/compile/link/host-text-file.ts)
const { encodeHostText, hostTextPath, makeHostText } = await import('../dist/src/compile/link/host-text-file.js');
const { baseline } = await import('../dist/src/compile/baseline/generator.js');
const { x64 } = await import('../dist/src/arch/x64/target.js');
const { arm64 } = await import('../dist/src/arch/arm64/target.js');
for (const target of [x64, arm64]) {
  writeFileSync(hostTextPath(target.name), encodeHostText(fingerprint, makeHostText(target, baseline())));
}
