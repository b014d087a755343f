import { expect, test } from 'vitest';
import { emulatorArguments, emulatorNames, isEmulator, programArguments } from '../../../src/image/emulator.js';

test('an emulator that was started for an image is known by its name, and tells the program’s arguments', () => {
  for (const name of [...emulatorNames('x64'), ...emulatorNames('arm64')]) {
    expect(isEmulator(`/usr/bin/${name}`)).toBe(true);
    const started = [name, ...emulatorArguments('job', '/tmp/image'), '-0', 'b', ''];
    expect(programArguments(started)).toEqual(['job', '-0', 'b', '']);
  }
});

test('other programs are no emulators, and what one was started with otherwise is told as it is', () => {
  for (const exe of ['/usr/bin/qemu-system-x86_64', '/opt/qemu-x86_64/node', '/usr/bin/node']) {
    expect(isEmulator(exe)).toBe(false);
  }
  expect(programArguments(['qemu-x86_64', 'image', '-0', 'b'])).toEqual(['qemu-x86_64', 'image', '-0', 'b']);
  expect(programArguments([])).toEqual([]);
});
