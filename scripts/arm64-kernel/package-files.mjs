/**
 * The files that wag-snap needs in the virtual machine: this package as built, the packages that it and its tests need,
 * Node with its libraries (fetch.sh node), and a shell. Not what is started there.
 */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { root } from '../setup.mjs';
import { folder } from './machine.mjs';

/** The package's folder there. */
export const PACKAGE = 'wag-snap';

/** The beginning of a shell script there. */
export const PROLOGUE = `set -o pipefail
export PATH=/bin HOME=/tmp NO_COLOR=1
mount -t devtmpfs none /dev
mkdir /dev/pts
mount -t devpts none /dev/pts
ip link set lo up
cd /${PACKAGE}
`;

/** Too big, or only for another CPU or for building. */
const LEFT_OUT = [
  'typescript',
  '@typescript',
  '@biomejs',
  'assemblyscript',
  'binaryen',
  '@types',
  '@esbuild',
  '@rollup',
];
const COMMANDS = ['sh', 'cat', 'kill', 'mkdir', 'mkfifo', 'mount', 'ip', 'sleep', 'tar'];

/** @returns contents by path without a leading slash (cpio.mjs) */
export function packageFiles() {
  if (!existsSync(`${folder}/root/bin/node`)) throw new Error('no Node for it: scripts/arm64-kernel/fetch.sh node');
  const files = { 'bin/node': readFileSync(`${folder}/root/bin/node`) };
  for (const libraries of ['lib', 'usr/lib']) {
    const from = `${folder}/root/${libraries}/aarch64-linux-gnu`;
    for (const name of readdirSync(from)) files[`lib/${name}`] = readFileSync(`${from}/${name}`);
  }
  files['bin/busybox'] = readFileSync(`${folder}/root/bin/busybox`);
  files['bin/true'] = '#!/bin/sh\n'; // busybox looks at argv, which a test leaves out
  for (const name of COMMANDS) files[`bin/${name}`] = { linkTo: 'busybox' };
  for (const name of ['package.json', 'vitest.config.ts', 'bin', 'dist', 'src', 'test', 'fixtures']) {
    addTree(files, `${root}/${name}`, `${PACKAGE}/${name}`);
  }
  for (const name of readdirSync(`${root}/node_modules`)) {
    if (LEFT_OUT.includes(name) || name.startsWith('.')) continue;
    addTree(files, `${root}/node_modules/${name}`, `${PACKAGE}/node_modules/${name}`);
  }
  addTree(files, `${folder}/node_modules`, `${PACKAGE}/node_modules`);
  const suite = process.env.WASM_TESTSUITE || `${root}/../shared/testsuite`;
  if (existsSync(suite)) addTree(files, suite, 'shared/testsuite');
  return files;
}

function addTree(files, from, to) {
  if (!statSync(from).isDirectory()) {
    files[to] = readFileSync(from);
    return;
  }
  for (const name of readdirSync(from)) addTree(files, `${from}/${name}`, `${to}/${name}`);
}
