/** What a node counts, in the text format of Prometheus. There is no name of a job in it. */

import type { LatticeNode } from '../../src/api/node.js';

export function metricsOf({ isWell, counts }: Pick<LatticeNode, 'isWell' | 'counts'>): string {
  const { running, started, captured, captureMilliseconds, notCaptured, uncaptured, givenAway, movedLive, ended } =
    counts;
  const metrics = [
    ['wagsnap_node_has_lease', 'gauge', isWell ? 1 : 0, 'Whether the node may let programs run.'],
    ['wagsnap_node_programs', 'gauge', running, 'Programs of the node.'],
    [
      'wagsnap_node_capture_seconds_total',
      'counter',
      (captureMilliseconds ?? 0) / 1000,
      'Time of all captures, from the request until the snapshot is durable.',
    ],
    ['wagsnap_node_started_total', 'counter', started, 'Programs that were started, or have come from other nodes.'],
    ['wagsnap_node_captured_total', 'counter', captured, 'Captures of running programs.'],
    ['wagsnap_node_not_captured_total', 'counter', notCaptured, 'Captures that have failed.'],
    ['wagsnap_node_uncaptured_programs', 'gauge', uncaptured, 'Programs whose last capture has failed.'],
    [
      'wagsnap_node_unsaved_seconds',
      'gauge',
      (counts['unsavedMilliseconds'] ?? 0) / 1000,
      'Of the programs that are captured, the age of the last durable snapshot, or the time since it began here: the greatest.',
    ],
    ['wagsnap_node_given_away_total', 'counter', givenAway, 'Programs that were given to other nodes.'],
    ['wagsnap_node_moved_live_total', 'counter', movedLive, 'Those of them that ran meanwhile.'],
    ['wagsnap_node_ended_total', 'counter', ended, 'Programs that have ended.'],
  ] as const;
  return metrics
    .map(([name, type, value, help]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value ?? 0}\n`)
    .join('');
}
