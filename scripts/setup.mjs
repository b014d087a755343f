/**
 * The common beginning of all scripts: packages, build, and a way to run a command. Works in a fresh clone and in a
 * used one; skips what is done already. Needs Node and npm.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder; all paths below are relative to it. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a command in the package's folder with our stdio; returns whether it succeeded. */
export function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) console.error(`${command}: ${error.message}`);
  return status === 0;
}

/** The same, and the end of this script if it fails. */
export function must(command, args, env = {}) {
  if (!run(command, args, env)) {
    console.error(`failed: ${[command, ...args].join(' ')}`);
    process.exit(1);
  }
}

/** The path of a package's command. */
export const bin = (name) => `${root}/node_modules/.bin/${name}`;

/**
 * Installs the packages, unless those of package-lock.json are installed. Compares versions, as file times in a clone
 * mean nothing.
 */
export function ensurePackages() {
  if (!packagesMatch()) must('npm', ['ci', '--no-audit', '--no-fund']);
}

/** If the first argument asks for help, prints what a script does and takes, and ends it. */
export function helpAndExit(text) {
  if (!['--help', '-h'].includes(process.argv[2])) return;
  console.log(text);
  process.exit(0);
}

function packagesMatch() {
  const installedFile = `${root}/node_modules/.package-lock.json`;
  if (!existsSync(installedFile)) return false;
  const wanted = JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  for (const [path, { version, optional, devOptional }] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    if (found ? found.version !== version : !optional && !devOptional) return false;
  }
  return true;
}

/** Ensures packages, TypeScript and host layer. */
export function ensureBuilt() {
  ensurePackages();
  must('node', ['scripts/build.mjs']);
}
