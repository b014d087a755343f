/** What killed commands have left is removed by later ones: at once, or after a day where nobody can ask for its owner. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { makeTemporaryFolder, ownerState, ownName, shareFolder } from '../../../src/base/temporary.js';
import { temporaryFolder } from '../../support/workload.js';

const HOUR = 3600;
const parent = temporaryFolder();
const ended = spawnSync('true').pid;

/** A folder of a receiver: of a process that has ended, or of another boot. */
function left(space: 'this' | 'another', hours = 0): string {
  const name = ownName().replace(`-${process.pid}-`, `-${ended}-`);
  const path = join(parent, space === 'this' ? name : name.replace(/^wag-snap-[0-9a-f]+-/, 'wag-snap-0123456789ab-'));
  mkdirSync(path);
  writeFileSync(join(path, 'snapshot'), 'half');
  const then = Date.now() / 1000 - hours * HOUR;
  utimesSync(path, then, then);
  return path;
}

test('what was left in this boot, and what is of another one and a day old', () => {
  const [killed, old, recent] = [left('this'), left('another', 25), left('another', 23)];
  const used = left('this');
  shareFolder(used, process.pid);
  const own = makeTemporaryFolder(parent);
  expect([killed, old].filter((path) => existsSync(path))).toEqual([]);
  expect(readdirSync(parent).sort()).toEqual([recent, used, own].map((path) => basename(path)).sort());
});

test('a pid that is another user’s by now is no owner', () => {
  const killed = ownName().replace(/-\d+-([0-9a-f]+)$/, '-1-$1');
  expect([ownerState(killed), ownerState(ownName())]).toEqual(['ended', 'runs']);
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  });
  onTestFinished(() => kill.mockRestore());
  expect([ownerState(killed), ownerState(ownName())]).toEqual(['ended', 'runs']);
});
