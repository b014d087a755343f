/**
 * The levels of each CPU that code can be compiled for, as `compile --cpu` names them. Imports nothing, so that --help
 * is quick to print them.
 */

export const CPU_LEVELS = {
  x64: ['x86-64-v2', 'x86-64-v3', 'x86-64-v4'],
  arm64: ['armv8-a'],
} as const;

export type ArchName = keyof typeof CPU_LEVELS;

export type CpuLevel<A extends ArchName> = (typeof CPU_LEVELS)[A][number];
