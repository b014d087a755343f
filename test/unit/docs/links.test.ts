/** Links between the documents: each relative one leads to a file of the repository, each anchor to a heading of it. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

test('every link in a document leads to a file and a heading', () => {
  const files = trackedFiles();
  const documents = files.filter((file) => file.endsWith('.md'));
  expect(documents).toContain('README.md');
  const broken = documents.flatMap((document) =>
    linksOf(document).flatMap((link) => {
      const problem = problemOf(document, link, files);
      return problem === undefined ? [] : [`${document}: ${link}: ${problem}`];
    }),
  );
  expect(broken).toEqual([]);
});

test('a link to nothing is found', () => {
  const files = trackedFiles();
  expect(problemOf('README.md', 'docs/security.md#the-rule', files)).toBeUndefined();
  expect(problemOf('docs/security.md', '../README.md', files)).toBeUndefined();
  expect(problemOf('docs/security.md', 'deployment.md#containers', files)).toBeUndefined();
  expect(problemOf('README.md', 'docs/no-such-page.md', files)).toBe('no such file');
  expect(problemOf('README.md', 'docs/security.md#no-such-heading', files)).toBe('no such heading');
  expect(problemOf('README.md', '#no-such-heading', files)).toBe('no such heading');
});

/** Files of the repository, also those that are not committed yet; folders that have some. Paths from its root. */
function trackedFiles(): string[] {
  const { status, stdout, stderr } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  const files = stdout.split('\n').filter((line) => line !== '');
  return [...files, ...new Set(files.map((file) => dirname(file)))];
}

/** The relative links and images of a document. What stands in code is none. */
function linksOf(document: string): string[] {
  const links = withoutCode(document).matchAll(/\]\(([^)\s]+)\)/g);
  return Array.from(links, ([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link));
}

function problemOf(document: string, link: string, files: readonly string[]): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? document : join(dirname(document), path).replace(/\/$/, '');
  if (!files.includes(target)) return 'no such file';
  if (anchor !== undefined && !anchorsOf(target).includes(anchor)) return 'no such heading';
  return undefined;
}

/** What GitHub and others make of headings: lower case, spaces become hyphens, punctuation goes. */
function anchorsOf(document: string): string[] {
  const headings = withoutFences(document).matchAll(/^#+ (.*)$/gm);
  return Array.from(headings, ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  );
}

function withoutFences(document: string): string {
  return readFileSync(join(root, document), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
}

function withoutCode(document: string): string {
  return withoutFences(document)
    .replace(/^ {4,}.*$/gm, '')
    .replace(/`[^`\n]*`/g, '');
}
