import { expect, test } from 'vitest';
import { metricsOf } from '../../../bin/programs/node-metrics.js';

const counts = {
  running: 2,
  started: 3,
  captured: 4,
  captureMilliseconds: 1500,
  notCaptured: 8,
  uncaptured: 1,
  unsavedMilliseconds: 61_500,
  givenAway: 5,
  movedLive: 6,
  ended: 7,
};

test('each metric has a help, a type and a value, in this order', () => {
  const text = metricsOf({ isWell: true, counts });
  expect(text.endsWith('\n')).toBe(true);
  const lines = text.trimEnd().split('\n');
  expect(lines.length % 3).toBe(0);
  const values: Record<string, number> = {};
  for (let i = 0; i < lines.length; i += 3) {
    const name = /^# HELP ([a-z_]+) [A-Z].*\.$/.exec(lines[i]!)?.[1];
    const [, typed, type] = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(lines[i + 1]!) ?? [];
    const [, valued, value] = /^([a-z_]+) (\d+(?:\.\d+)?)$/.exec(lines[i + 2]!) ?? [];
    expect([typed, valued]).toEqual([name, name]);
    expect(type === 'counter').toBe(name!.endsWith('_total'));
    values[name!] = Number(value);
  }
  expect(values).toEqual({
    wagsnap_node_has_lease: 1,
    wagsnap_node_programs: 2,
    wagsnap_node_capture_seconds_total: 1.5,
    wagsnap_node_started_total: 3,
    wagsnap_node_captured_total: 4,
    wagsnap_node_not_captured_total: 8,
    wagsnap_node_uncaptured_programs: 1,
    wagsnap_node_unsaved_seconds: 61.5,
    wagsnap_node_given_away_total: 5,
    wagsnap_node_moved_live_total: 6,
    wagsnap_node_ended_total: 7,
  });
});

test('a node without a lease says so', () => {
  expect(metricsOf({ isWell: false, counts })).toContain('wagsnap_node_has_lease 0\n');
});
