/**
 * Shows a capture for people: sizes, and the stack trace, innermost frame first.
 *
 *     #1 func-3 (0x4f)
 *     #2 fib (0x2a1)
 *     ... 99,960 more frames ...
 *     #100,000 _start (0x310)
 */

import { terminalLines, terminalText } from '../../src/base/terminal-text.js';
import type { CaptureReport, TraceEntry, TrackingReport } from '../../src/snapshot/capture-report.js';

/** Size of a page of linear memory in bytes. */
const PAGE = 65536;
const FIRST_LINES = 32;
const LAST_LINES = 8;

/** The lines that `capture -v` prints. */
export function describeCapture(report: CaptureReport): string {
  return terminalLines([
    `globals ${count(report.globalsSize)} bytes`,
    `memory ${count(report.memorySize)} bytes, ${count(report.pages * PAGE)} in use` +
      (report.changed === undefined ? '' : `, ${count(report.changed)} not as in the parent`),
    `stack ${count(report.stackSize)} bytes, ${plural(report.frames, 'frame')}`,
    ...sinceLines(report),
    ...trackingLines(report.tracking),
    ...report.files,
    ...traceLines(report.trace),
  ]);
}

/** How what differs from the parent was found. */
function sinceLines({ changed, tracking }: CaptureReport): string[] {
  if (changed === undefined) return [];
  if (typeof tracking?.since === 'number')
    return [`it wrote ${count(tracking.since)} bytes since the parent was captured: nothing else was read`];
  return ['all of it was compared with the parent: what was written since that is not known'];
}

/** What was copied in which phase. */
function trackingLines(tracking: TrackingReport | undefined): string[] {
  if (!tracking) return [];
  const { way, rounds, written, rest, slice } = tracking;
  const copied = rounds.map((bytes) => count(bytes)).join(', ') || 0;
  const wrote =
    written === null
      ? 'another tool tracks it since, so all was copied while it stood still'
      : `it wrote ${count(written)} meanwhile`;
  return [
    `${plural(rounds.length, 'round')} while it ran (${way}): ${copied} bytes; ${wrote}`,
    `stood still for ${count(rest)} bytes; interrupted for ${(slice / 1000).toFixed(1)} ms at most before`,
  ];
}

/** Lines of a stack trace, innermost frame first. The middle of a deep stack is left out. */
export function traceLines(trace: readonly TraceEntry[]): string[] {
  const line = ({ name, moduleOffset }: TraceEntry, n: number) =>
    `#${count(n + 1)} ${terminalText(name)}${moduleOffset === undefined ? '' : ` (0x${moduleOffset.toString(16)})`}`;
  if (trace.length <= FIRST_LINES + LAST_LINES) return trace.map(line);
  const last = trace.length - LAST_LINES;
  return [
    ...trace.slice(0, FIRST_LINES).map(line),
    `... ${count(last - FIRST_LINES)} more frames ...`,
    ...trace.slice(last).map((entry, i) => line(entry, last + i)),
  ];
}

export function plural(number: number, what: string): string {
  return `${count(number)} ${what}${number === 1 ? '' : 's'}`;
}

/** A number with commas: `1,234`. */
export function count(n: number): string {
  return n.toLocaleString('en-US');
}
