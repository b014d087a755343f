/**
 * Imports run one way: there is no circle of folders, and none of files, types included. What each folder may import is the table below, the drawing
 * in ARCHITECTURE.md in full; the host layer's (AssemblyScript) are in it too.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

const ground = ['src/base', 'src/image/contract'];
const machine = [...ground, 'src/arch/masm'];
const image = [...machine, 'src/wasm', 'src/image/tables', 'src/image'];
const generator = [...image, 'src/compile/convention', 'src/compile'];
const snapshot = [...image, 'src/snapshot/packing', 'src/snapshot/trust', 'src/snapshot'];
const command = [
  ...snapshot,
  'src/wasm/component',
  'src/arch',
  'src/compile/link',
  'src/capture',
  'src/restore',
  'src/transport',
  'src/transport/registry',
  'src/lattice',
  'src/api',
  'src/api/embedder',
];

/** Of each folder: those that it may import besides itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'src/base': [],
  'src/image/contract': [],
  'src/arch/masm': ground,
  'src/arch/x64': machine,
  'src/arch/arm64': machine,
  'src/arch': [...machine, 'src/arch/x64', 'src/arch/arm64'],
  'src/wasm': ground,
  'src/wasm/merge': [...ground, 'src/wasm'],
  'src/wasm/component': [...ground, 'src/wasm', 'src/wasm/merge'],
  'src/image/tables': [...machine, 'src/wasm'],
  'src/image': image,
  'src/compile/convention': image,
  'src/compile': [...image, 'src/compile/convention'],
  'src/compile/stubs': [...image, 'src/compile/convention'],
  'src/compile/baseline': generator,
  'src/compile/parallel': [...generator, 'src/compile/baseline', 'src/arch'],
  'src/compile/link': [...generator, 'src/compile/stubs', 'src/compile/baseline', 'src/compile/parallel'],
  'src/snapshot/packing': ['src/base'],
  'src/snapshot/trust': ['src/base'],
  'src/snapshot': [...image, 'src/snapshot/packing', 'src/snapshot/trust'],
  'src/snapshot/store': snapshot,
  'src/capture': [...snapshot, 'src/arch'],
  'src/restore': snapshot,
  'src/transport/registry': ['src/base'],
  'src/transport': image,
  'src/lattice': ['src/base'],
  'src/api/embedder': [...ground, 'src/wasm', 'src/image/tables'],
  'src/api': [
    ...snapshot,
    'src/wasm/component',
    'src/arch',
    'src/compile/link',
    'src/capture',
    'src/restore',
    'src/transport',
    'src/transport/registry',
    'src/lattice',
    'src/snapshot/store',
    'src/api/embedder',
  ],
  'bin/show': command,
  'bin/options': [...command, 'bin/show'],
  'bin/programs': [...command, 'bin/show', 'bin/options'],
  'bin/commands': [...command, 'bin/show', 'bin/options', 'bin/programs'],
  bin: [...command, 'bin/show', 'bin/options', 'bin/programs', 'bin/commands'],
  'src/runtime/native': [],
  'src/runtime/descriptors': ['src/runtime/native', 'src/image/contract'],
  'src/runtime/interfaces': [],
  'src/runtime/process': ['src/runtime/native', 'src/runtime/descriptors', 'src/image/contract'],
  'src/runtime/wasi': ['src/runtime/native', 'src/runtime/descriptors', 'src/runtime/process', 'src/image/contract'],
  'src/runtime/embedder': [
    'src/runtime/native',
    'src/runtime/descriptors',
    'src/runtime/process',
    'src/image/contract',
  ],
  'src/runtime': [
    'src/runtime/native',
    'src/runtime/process',
    'src/runtime/embedder',
    'src/runtime/wasi',
    'src/image/contract',
  ],
};

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

/** The files that a file imports, by whatever form of import. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  const found = text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g);
  return Array.from(found, ([, to]) => relative(root, resolve(root, dirname(path), to)).replace(/\.js$|$/, '.ts'));
}

const edges = ['src', 'bin'].flatMap(sources).flatMap((from) => importsOf(from).map((to) => ({ from, to })));

test('imports run one way', () => {
  const wrong = edges.filter(({ from, to }) => {
    const [own, other] = [dirname(from), dirname(to)];
    return own !== other && !allowed[own]?.includes(other);
  });
  expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  expect(edges.length).toBeGreaterThan(1000);
});

/**
 * What chooses the code generator, and what has to be the same on other threads: nothing else outside of its folder
 * knows which one makes the code.
 */
const CHOOSES = ['src/compile/link/compile.ts', 'src/compile/parallel/thread.ts'];

test('one place chooses the code generator', () => {
  const knows = edges.filter(({ from, to }) => dirname(to) === 'src/compile/baseline' && dirname(from) !== dirname(to));
  expect([...new Set(knows.map(({ from }) => from))].sort()).toEqual(CHOOSES);
});

/** Each way from a node back to itself that a walk along the edges meets. */
function circlesOf(graph: Readonly<Record<string, readonly string[]>>): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const circles: string[] = [];
  const visit = (node: string) => {
    if (path.includes(node)) circles.push([...path.slice(path.indexOf(node)), node].join(' -> '));
    if (done.has(node) || path.includes(node)) return;
    path.push(node);
    for (const other of graph[node] ?? []) if (other !== node) visit(other);
    path.pop();
    done.add(node);
  };
  for (const node of Object.keys(graph)) visit(node);
  return circles;
}

test('the table itself has no circle', () => {
  expect(circlesOf(allowed)).toEqual([]);
  expect(circlesOf({ a: ['b'], b: ['c'], c: ['b'] })).toEqual(['b -> c -> b']);
});

test('no files import each other, directly or by way of others', () => {
  const graph: Record<string, string[]> = {};
  for (const { from, to } of edges) (graph[from] ??= []).push(to);
  expect(circlesOf(graph)).toEqual([]);
});

test('each folder of sources is in the table', () => {
  const folders = new Set(['src', 'bin'].flatMap(sources).map((path) => dirname(path)));
  expect([...folders].sort()).toEqual(Object.keys(allowed).sort());
});

/** Rows of opcodes. */
const TABLES = ['src/wasm/opcodes-vector.ts', 'src/wasm/opcodes.ts'];

test('a file has at most 400 lines, but for tables', () => {
  const long = ['src', 'bin'].flatMap(sources).filter((path) => {
    return readFileSync(join(root, path), 'utf8').split('\n').length > 401;
  });
  expect(long.sort()).toEqual(TABLES);
});

test('of zod, the bundle has what is used: any other form of import brings in all of its languages', () => {
  const lines = ['src', 'bin'].flatMap(sources).flatMap((path) => readFileSync(join(root, path), 'utf8').split('\n'));
  const imports = lines.filter((line) => /\bfrom 'zod\b/.test(line));
  expect(imports.length).toBeGreaterThan(5);
  expect([...new Set(imports)]).toEqual(["import * as z from 'zod';"]);
});
