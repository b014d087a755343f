/** The units of docs/deployment.md, as systemd reads them. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/workload.js';

const isThere = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!isThere) console.log('skipped: systemd-analyze is not installed');
const folder = temporaryFolder();

/** Without their indentation. */
function units(): string[] {
  const text = readFileSync(resolve('docs/deployment.md'), 'utf8');
  const blocks = text.match(/(?:^ {4}.*\n|^\n)+/gm) ?? [];
  return blocks
    .filter((block) => block.includes('[Unit]'))
    .map((block) => `${block.replaceAll(/^ {4}/gm, '').trim()}\n`);
}

test('there is one of a program, and one of a node', () => {
  expect(units().map((unit) => /^ExecStart=(\S+)/m.exec(unit)?.[1])).toEqual([
    '/usr/local/lib/program/app',
    '/usr/bin/wag-snap',
  ]);
});

test.skipIf(!isThere)('systemd has nothing to say against them', () => {
  for (const [i, unit] of units().entries()) {
    const path = join(folder, `unit-${i}.service`);
    writeFileSync(path, unit.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'));
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
    // it also looks at units of this machine that these want to have
    expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes(`unit-${i}`))).toEqual([]);
  }
});
