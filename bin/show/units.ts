/** Sizes and times for people. */

export { formatBytes } from '../../src/base/byte-size.js';

/** `12s`, `3m04s`, `5h07m`, `2d03h`. */
export function formatAge(seconds: number): string {
  const s = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h${two(Math.floor(s / 60) % 60)}m`;
  return `${Math.floor(s / 86400)}d${two(Math.floor(s / 3600) % 24)}h`;
}
