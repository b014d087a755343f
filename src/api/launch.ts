/**
 * How an image is started on this machine: directly, or through qemu-user when it is for another CPU.
 */

import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { ArchName } from '../arch/masm/target.js';
import { ToolError } from '../base/errors.js';
import { fileError } from '../base/file-error.js';
import { emulatorArguments, emulatorNames } from '../image/emulator.js';

export interface Launch {
  readonly program: string;
  /** Arguments that precede the workload's own. */
  readonly args: readonly string[];
  readonly argv0: string;
  /** Whether the file is opened again after the start. It must then stay until the workload ends. */
  readonly emulated: boolean;
}

/** CPUs by e_machine of the ELF header. */
const MACHINES: Readonly<Record<number, ArchName>> = { 62: 'x64', 183: 'arm64' };

/** @throws ToolError when the image is for another CPU and there is no emulator for it */
export function launch(image: string, argv0: string): Launch {
  const arch = MACHINES[machineOf(image)];
  // A name without a slash would be looked up in PATH.
  const path = resolve(image);
  if (arch === undefined || arch === process.arch) return { program: path, args: [], argv0, emulated: false };
  const program = findEmulator(arch);
  if (program === undefined) {
    throw new ToolError(
      'no-emulator',
      `${image} is for ${arch}: to run it here, install qemu-user-static (Debian: apt-get install qemu-user-static)`,
    );
  }
  return { program, args: emulatorArguments(argv0, image), argv0: program, emulated: true };
}

/** Path of qemu-user for a CPU. */
export function findEmulator(arch: ArchName): string | undefined {
  for (const name of emulatorNames(arch)) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      try {
        const path = join(folder, name);
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // try the next folder
      }
    }
  }
  return undefined;
}

function machineOf(image: string): number {
  try {
    const head = Buffer.alloc(20);
    const fd = openSync(image, 'r');
    try {
      readSync(fd, head, 0, head.length, 0);
    } finally {
      closeSync(fd);
    }
    return head.readUInt16LE(18);
  } catch (error) {
    throw fileError(error, image);
  }
}
