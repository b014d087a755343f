/** Rounds up to a multiple of `unit`. */
export function align(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
