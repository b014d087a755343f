/**
 * Trace lines that say what the tool does, by area (`WAGSNAP_TRACE`). For finding a fault.
 *
 * By default nobody listens. A call then costs one lookup in a set, so do not trace in a loop over instructions.
 */

export const TRACE_AREAS = [
  'cache',
  'capture',
  'compile',
  'lift',
  'lower',
  'move',
  'registry',
  'restore',
  'start',
  'stop',
  'track',
] as const;
export type TraceArea = (typeof TRACE_AREAS)[number];

/** Takes a line. Foreign names in it are not escaped: whoever prints the line escapes them. */
export type TraceSink = (area: TraceArea, text: string) => void;

const areas = new Set<TraceArea>();
let sink: TraceSink = () => {};

/** From now on sends the `wanted` areas to `to`, and no others. */
export function traceTo(to: TraceSink, wanted: Iterable<TraceArea>): void {
  sink = to;
  areas.clear();
  for (const area of wanted) areas.add(area);
}

/** Whether an area is traced. For lines whose text is costly to compute. */
export function isTraced(area: TraceArea): boolean {
  return areas.has(area);
}

export function trace(area: TraceArea, text: () => string): void {
  if (areas.has(area)) sink(area, text());
}
