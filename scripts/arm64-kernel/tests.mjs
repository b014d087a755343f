/**
 * `node scripts/arm64-kernel/tests.mjs KERNEL CPU WORD… [-- OPTION…]`: runs the package's tests on a real ARM64 kernel,
 * in qemu-system-aarch64. Boots it with the package and an ARM64 Node, and runs the test files whose paths contain one
 * of the words, with vitest's OPTIONs. Not part of CI. For KERNEL and CPU see run.mjs. Needs what run.mjs needs, and
 * `fetch.sh node`.
 */

import { ensureBuilt } from '../setup.mjs';
import { bundleTests, CONFIG } from './bundle-tests.mjs';
import { boot } from './machine.mjs';
import { PACKAGE, PROLOGUE, packageFiles } from './package-files.mjs';

const MINUTES = 60;
const [kernel, cpu, ...rest] = process.argv.slice(2);
const end = [...rest, '--'].indexOf('--');
const words = rest.slice(0, end);
if (words.length === 0) {
  console.error('usage: node scripts/arm64-kernel/tests.mjs KERNEL CPU WORD… [-- OPTION…]');
  process.exit(2);
}
if (process.env.WAGSNAP_BUILT !== '1') ensureBuilt();
const options = ['--config', 'bundled/config.mjs', '--configLoader', 'native', '--reporter', 'verbose'];
options.push(...rest.slice(end + 1).map((word) => `'${word}'`));
const files = {
  ...packageFiles(),
  'etc/passwd': 'root:x:0:0:root:/:/bin/sh\n',
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  'tests.sh': `${PROLOGUE}node node_modules/vitest/vitest.mjs run ${options.join(' ')} 2>&1 | cat\n`,
  [`${PACKAGE}/bundled/config.mjs`]: CONFIG,
};
for (const [path, contents] of Object.entries(await bundleTests(words, `/${PACKAGE}`))) {
  files[`${PACKAGE}/${path}`] = contents;
}
const output = await boot({ kernel, cpu, lines: ['run /bin/sh /tests.sh'], files, minutes: MINUTES, megabytes: 4096 });
process.exitCode = output.includes('\n[init] exit code 0\n') ? 0 : 1;
