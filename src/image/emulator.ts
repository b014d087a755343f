/**
 * How an emulator (qemu-user) runs an image of another CPU: by what name it is known, and with which arguments. Who
 * starts one and who looks at a process that one runs agree here.
 *
 *     qemu-aarch64-static -0 NAME IMAGE ARGUMENT...
 */

import { basename } from 'node:path';
import type { ArchName } from '../arch/masm/target.js';

/** What qemu calls CPUs. */
const QEMU: Readonly<Record<ArchName, string>> = { x64: 'x86_64', arm64: 'aarch64' };
const NAME_OPTION = '-0';

/** Names of the programs that run images of a CPU, the better ones first. */
export function emulatorNames(arch: ArchName): string[] {
  return [`qemu-${QEMU[arch]}-static`, `qemu-${QEMU[arch]}`];
}

/**
 * Whether an executable is one that runs others: those that wait, or are looked at by `ps`, are known by their name.
 */
export function isEmulator(exe: string): boolean {
  return /^qemu-(?!system-)/.test(basename(exe));
}

/** What an emulator is given before the program's own arguments. @param name the program's argument 0 */
export function emulatorArguments(name: string, image: string): string[] {
  return [NAME_OPTION, name, image];
}

/** A program's arguments, its name first, of those that its emulator was started with. Others stay as they are. */
export function programArguments(started: readonly string[]): string[] {
  return started[1] === NAME_OPTION ? [started[2], ...started.slice(4)] : [...started];
}
