/**
 * Lines that say what the tool does, by area: for those who look for a fault (`WAGSNAP_TRACE`).
 *
 * Nobody listens by default. A call costs a look at a set then, so none belongs into a loop over instructions.
 */

export const TRACE_AREAS = [
  'cache',
  'capture',
  'compile',
  'lift',
  'lower',
  'move',
  'restore',
  'start',
  'stop',
  'track',
] as const;
export type TraceArea = (typeof TRACE_AREAS)[number];

/** Takes a line. What it says of foreign names is as they are: whoever prints it escapes it. */
export type TraceSink = (area: TraceArea, text: string) => void;

const areas = new Set<TraceArea>();
let sink: TraceSink = () => {};

/** From now on tells `to` of `wanted`, and of nothing else. */
export function traceTo(to: TraceSink, wanted: Iterable<TraceArea>): void {
  sink = to;
  areas.clear();
  for (const area of wanted) areas.add(area);
}

/** Whether somebody wants to know: for what costs something to find out. */
export function isTraced(area: TraceArea): boolean {
  return areas.has(area);
}

export function trace(area: TraceArea, text: () => string): void {
  if (areas.has(area)) sink(area, text());
}
