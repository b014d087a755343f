/**
 * How an image is started on this machine: directly, or through qemu-user when it is for another CPU.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ArchName } from '../arch/masm/target.js';
import { ToolError } from '../base/errors.js';
import { fileError } from '../base/file-error.js';
import { findProgram } from '../base/find-program.js';
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
  return findProgram(emulatorNames(arch));
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
