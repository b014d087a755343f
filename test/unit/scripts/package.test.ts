/** What npm makes of package.json and package-lock.json, and what a user finds in the package. */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'wag-snap-package-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the lock file lists the optional packages of every platform, and no registry', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter(
        (name) => !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
      )
      .map((name) => `${path}: ${name}`),
  );
  expect(missing).toEqual([]);
  expect(Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});

test('what the README links to is in the package', () => {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  const packed = JSON.parse(stdout) as [{ files: { path: string }[] }] | Record<string, { files: { path: string }[] }>;
  const [{ files }] = Object.values(packed);
  const paths = files.map(({ path }) => path);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const links = Array.from(readme.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g), ([, link]) => link);
  expect(links).toContain('ARCHITECTURE.md');
  expect(links.filter((link) => !paths.includes(link))).toEqual([]);
  expect(paths).toContain('bin/wag-snap');
});

test('an older Node is told in one line what is needed', () => {
  cpSync(join(root, 'bin/wag-snap'), join(folder, 'wag-snap.mjs'));
  // another version than this Node has, set before the launcher looks
  writeFileSync(
    join(folder, 'older.mjs'),
    `Object.defineProperty(process, 'version', { value: process.env.PRETEND });
     Object.defineProperty(process, 'versions', { value: { node: process.env.PRETEND.slice(1) } });`,
  );
  const start = (version: string) =>
    spawnSync(process.execPath, ['--import', join(folder, 'older.mjs'), join(folder, 'wag-snap.mjs')], {
      encoding: 'utf8',
      env: { ...process.env, PRETEND: version },
    });
  for (const version of ['v18.20.8', 'v20.18.3']) {
    const { status, stderr } = start(version);
    expect(stderr).toBe(`wag-snap: needs Node.js 20.19 or newer, this is ${version}\n`);
    expect(status).toBe(1);
  }
  for (const version of ['v20.19.0', 'v22.1.0']) expect(start(version).stderr).toContain('not built yet');
});

test.each([
  ['scripts/test.mjs', 'npm test [-- FILE|NAME…|OPTION…]'],
  ['scripts/demo.mjs', 'npm run demo [-- hosts|lattice]'],
])('%s --help says what it takes and does nothing', (script, first) => {
  cpSync(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true });
  const { status, stdout } = spawnSync(process.execPath, [join(folder, script), '--help'], { encoding: 'utf8' });
  expect(stdout.split('\n')[0]).toBe(first);
  expect(status).toBe(0);
  expect(existsSync(join(folder, 'build'))).toBe(false);
});
