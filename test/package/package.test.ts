/**
 * The package as a user gets it: packed, installed into an empty project, its types checked as strictly as they can be,
 * and used on the Node versions that it is for. Needs a registry; other Nodes than this one are kept in build/modules.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchPackage } from '../modules/fetch.js';
import { programPath } from '../support/workload.js';

const root = resolve(import.meta.dirname, '../..');
const consumer = join(import.meta.dirname, 'consumer');
const programs = readdirSync(consumer).map((name) => name.replace(/\.ts$/, ''));

/** The oldest that it is for, and those that are maintained. */
const VERSIONS = ['20.19', '22', '24'];

const CONFIGURATION = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2022', 'ESNext.Disposable'],
    module: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    noImplicitReturns: true,
    noUnusedLocals: true,
    isolatedModules: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    rootDir: 'src',
    outDir: 'out',
  },
  include: ['src'],
};

const project = mkdtempSync(join(tmpdir(), 'wag-snap-package-'));
afterAll(() => rmSync(project, { recursive: true }));

function command(program: string, args: readonly string[], cwd = project) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}${error?.message ?? ''}` };
}

/** The pages about the library, and what each of their programs prints. */
const pages = [...readdirSync(join(root, 'docs/api')).map((name) => join('docs/api', name)), 'README.md'].flatMap(
  (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const found = text.matchAll(/^```ts\n([\s\S]*?)^```\n\nIt prints\n\n```text\n([\s\S]*?)^```$/gm);
    const name = page.replace(/\W/g, '_');
    return Array.from(found, ([, program = '', prints = ''], i) => ({ page, name: `${name}${i}`, program, prints }));
  },
);

/** Why the package cannot be installed, or nothing. */
function install(): string | undefined {
  const packed = command('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', project], root);
  expect(packed).toMatchObject({ status: 0 });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const archive = readdirSync(project).find((name) => name.endsWith('.tgz'))!;
  const { status, output } = command('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${archive}`]);
  return status === 0 ? undefined : output;
}

const missing = install();

describe.skipIf(missing !== undefined)(`the package${missing ? ` (npm cannot install it: ${missing})` : ''}`, () => {
  let checked: ReturnType<typeof command>;
  beforeAll(() => {
    cpSync(consumer, join(project, 'src'), { recursive: true });
    for (const { name, program } of pages) writeFileSync(join(project, 'src', `${name}.ts`), program);
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(CONFIGURATION));
    checked = command(join(root, 'node_modules/.bin/tsc'), ['-p', '.', '--listFiles']);
  });

  test('its types are right for the strictest of projects', () => {
    const errors = checked.output.split('\n').filter((line) => line !== '' && !line.startsWith('/'));
    expect([checked.status, errors]).toEqual([0, []]);
  });

  test('they need those of no package but Node and zod, which comes with it', () => {
    const packages = Array.from(checked.output.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/g));
    const others = packages.map(([, name]) => name).filter((name) => !/^(typescript|@typescript\/.*)$/.test(name!));
    expect([...new Set(others)].sort()).toEqual(['@types/node', 'undici-types', 'wag-snap', 'zod']);
  });

  test('what it exports is there, and nothing else can be imported', () => {
    const print = "console.log(Object.keys(await import('wag-snap')).sort().join(' '))";
    const { status, output } = command(process.execPath, ['--input-type=module', '-e', print]);
    expect(status, output).toBe(0);
    for (const name of ['compile', 'inspect', 'open', 'openImage', 'openSnapshot', 'InputError']) {
      expect(output.split(/\s/)).toContain(name);
    }
    const inner = command(process.execPath, [
      '--input-type=module',
      '-e',
      "await import('wag-snap/dist/bundle/main.js')",
    ]);
    expect(inner.output).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  test('an error says where in the source it was made', () => {
    const script =
      "import('wag-snap').then(({ openImage }) => openImage('nowhere')).catch(({ stack }) => console.log(stack))";
    const { output } = command(process.execPath, ['--enable-source-maps', '-e', script]);
    expect(output).toMatch(/^InputError: nowhere: no such file\n(?:.*\n)*.*\/src\/api\/open\.ts:\d+:\d+/);
  });

  test.each(pages)('the program in $page prints what the page says', ({ name, prints }) => {
    const folder = join(project, name);
    mkdirSync(folder);
    for (const module of ['hello', 'readline', 'screens']) cpSync(programPath(module), join(folder, `${module}.wasm`));
    const { status, output } = command(process.execPath, [join(project, 'out', `${name}.js`)], folder);
    expect([output, status]).toEqual([prints, 0]);
  });

  test('each page but the first has a program, and all are run', () => {
    const names = readdirSync(join(root, 'docs/api')).map((name) => join('docs/api', name));
    const found = new Set(pages.map(({ page }) => page));
    expect(['README.md', ...names].filter((name) => !found.has(name))).toEqual(['docs/api/README.md']);
    const texts = names.map((name) => readFileSync(join(root, name), 'utf8'));
    expect(texts.join('').match(/^```ts$/gm)).toHaveLength(pages.length - 1);
  });

  describe.each(['this one', ...VERSIONS])('on Node %s', (version) => {
    const node = findNode(version);
    test.skipIf(node.missing !== undefined).each(programs)(
      `%s.ts${node.missing ? ` (${node.missing})` : ''}`,
      (name) => {
        const folder = join(project, `${name}-${version.replace(' ', '-')}`);
        mkdirSync(folder);
        const args = name === 'open' ? [join(root, 'fixtures/snapshots/v1')] : [folder];
        const { status, output } = command(node.path, [join(project, 'out', `${name}.js`), ...args]);
        expect(status, output).toBe(0);
      },
    );
  });
});

/** A Node of a version, or why there is none. */
function findNode(version: string): { path: string; missing?: string } {
  if (version === 'this one') return { path: process.execPath };
  try {
    return { path: join(fetchPackage(`node-linux-${process.arch}@${version}`), 'bin/node') };
  } catch (error) {
    return { path: '', missing: `it cannot be had: ${(error as Error).message}` };
  }
}
