/**
 * How an emulator (qemu-user) runs an image for another CPU: the emulator's names and arguments. Shared by the code
 * that starts emulators and the code that recognizes emulated processes.
 *
 *     qemu-aarch64-static -0 NAME IMAGE ARGUMENT...
 */

import { basename } from 'node:path';
import type { ArchName } from '../arch/masm/target.js';

/** The CPUs' names in qemu. */
const QEMU: Readonly<Record<ArchName, string>> = { x64: 'x86_64', arm64: 'aarch64' };
const NAME_OPTION = '-0';

/** Names of the programs that run images of a CPU, in order of preference. */
export function emulatorNames(arch: ArchName): string[] {
  return [`qemu-${QEMU[arch]}-static`, `qemu-${QEMU[arch]}`];
}

/**
 * Whether an executable is an emulator, by its name.
 */
export function isEmulator(exe: string): boolean {
  return /^qemu-(?!system-)/.test(basename(exe));
}

/** The arguments that an emulator gets before the program's own. @param name the program's argument 0 */
export function emulatorArguments(name: string, image: string): string[] {
  return [NAME_OPTION, name, image];
}

/** The program's arguments, its name first, out of its emulator's. Other arguments are returned unchanged. */
export function programArguments(started: readonly string[]): string[] {
  return started[1] === NAME_OPTION ? [started[2], ...started.slice(4)] : [...started];
}
