/** How an image is started: by itself where it can be, through an emulator that can be executed, or not at all. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findEmulator, launch } from '../../../src/api/launch.js';
import { emulatorNames } from '../../../src/image/emulator.js';

const MACHINES = { x64: 62, arm64: 183 } as const;
const own = process.arch === 'arm64' ? 'arm64' : 'x64';
const foreign = own === 'x64' ? 'arm64' : 'x64';
let folder: string;
const at = (name: string) => join(folder, name);

function image(name: string, machine: number): string {
  const head = Buffer.alloc(64);
  head.writeUInt16LE(machine, 18);
  writeFileSync(at(name), head);
  return at(name);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-emulator-test-'));
  for (const name of ['one', 'two']) mkdirSync(at(name));
  vi.stubEnv('PATH', `${at('one')}:${at('two')}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test('one of this CPU is started by itself, by a path that is not looked up', () => {
  const path = image('own', MACHINES[own]);
  const expected = { program: path, args: [], argv0: 'name', emulated: false };
  expect(launch(path, 'name')).toEqual(expected);
  expect(launch(relative('.', path), 'name')).toEqual(expected);
  expect(launch(image('odd', 243), 'name').emulated).toBe(false); // the kernel's to refuse
});

test('one of another CPU needs an emulator', () => {
  const path = image('foreign', MACHINES[foreign]);
  expect(() => launch(path, 'name')).toThrow(/is for .*: to run it here, install qemu-user-static/);
  const [name] = emulatorNames(foreign);
  writeFileSync(at(`two/${name}`), '');
  chmodSync(at(`two/${name}`), 0o755);
  expect(launch(path, 'name')).toEqual({
    program: at(`two/${name}`),
    args: ['-0', 'name', path],
    argv0: at(`two/${name}`),
    emulated: true,
  });
});

test('a file of that name that cannot be executed is none', () => {
  const [best, second] = emulatorNames(foreign);
  writeFileSync(at(`one/${best}`), '', { mode: 0o644 });
  symlinkSync('nowhere', at(`two/${best}`));
  expect(findEmulator(foreign)).toBeUndefined();
  writeFileSync(at(`two/${second}`), '');
  chmodSync(at(`two/${second}`), 0o755);
  expect(findEmulator(foreign)).toBe(at(`two/${second}`));
});

test('one that is not there, or is too short, is told of', () => {
  expect(() => launch(at('none'), 'name')).toThrow(/none: no such file/);
  writeFileSync(at('short'), '\x7fELF');
  expect(launch(at('short'), 'name').emulated).toBe(false);
});
