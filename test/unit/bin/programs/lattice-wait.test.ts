/** `--wait`: returns when it is so, and says why it cannot be. */

import { expect, test, vi } from 'vitest';
import { waitForDrain, waitForEnd, waitForMove } from '../../../../bin/programs/lattice-wait.js';
import type { JobEntry, Lattice, NodeEntry } from '../../../../src/api/lattice.js';
import { ToolError } from '../../../../src/base/errors.js';

const entry = { name: 'x', node: 'a', to: null, end: null, state: 'running', problems: [], history: [] };
const job = (more: Partial<JobEntry> = {}) => ({ ...entry, ...more }) as unknown as JobEntry;

/** What is seen at each look; the last one stays. */
function lattice(jobs: readonly JobEntry[], nodes: readonly Partial<NodeEntry>[] = []): Lattice {
  const [rest, left] = [[...jobs], [...nodes]];
  const next = <T>(of: T[]) => (of.length > 1 ? of.shift() : of[0]);
  return {
    job: async () => next(rest),
    jobs: async () => [next(rest)],
    nodes: async () => [next(left)],
  } as unknown as Lattice;
}

test('jobs that have ended, were forgotten, or are others of the same name: each look is at all of them', async () => {
  const stopping = (name: string) => job({ name, state: 'stopping' });
  const looks = [
    [stopping('x'), stopping('x-2'), stopping('x-3'), stopping('y')],
    [job({ name: 'x', state: 'stopped' }), stopping('x-2'), stopping('y')],
    [job({ name: 'x-2' }), stopping('y')],
  ];
  await waitForEnd({ jobs: async () => looks.shift() } as unknown as Lattice, ['x', 'x-2', 'x-3']);
  expect(looks).toEqual([]);
});

test('a job that has moved, and one that has not', async () => {
  await waitForMove(lattice([job({ to: 'b' }), job({ node: 'b' })]), 'x', 'b');
  const what = { fence: 1, node: 'a', at: 0 };
  const history = [
    { ...what, what: 'not-moved' as const, note: 'before' },
    { ...what, what: 'not-moved' as const, note: 'b is gone' },
    { ...what, what: 'taken' as const, note: null },
  ];
  await expect(waitForMove(lattice([job({ to: 'b' }), job({ history })]), 'x', 'b')).rejects.toThrow(
    'x has not moved to b: b is gone',
  );
  await expect(waitForMove(lattice([job({ node: 'c' })]), 'x', 'b')).rejects.toThrow('it is on c');
  await expect(waitForMove(lattice([job({ node: null, end: 'exit code 0' })]), 'x', 'b')).rejects.toThrow(
    'x has ended: exit code 0',
  );
});

test('NATS that is away is waited for, and said once; another failure is one', async () => {
  const away = () => {
    throw new ToolError('nats', 'no NATS server answers there');
  };
  const looks = [away, away, () => [job({ name: 'x', state: 'stopping' })], away, () => []];
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    await waitForEnd({ jobs: async () => looks.shift()!() } as unknown as Lattice, ['x']);
    const lines = write.mock.calls.map(([text]) => text).filter((text) => text !== '');
    expect(lines).toEqual(Array(2).fill('wag-snap: warning: no NATS server answers there: it is waited for\n'));
  } finally {
    write.mockRestore();
  }
  const broken = async () => {
    throw new ToolError('record', 'its record cannot be read');
  };
  await expect(waitForEnd({ jobs: broken } as unknown as Lattice, ['x'])).rejects.toThrow('cannot be read');
});

test('a node that is drained; what cannot leave it is said once', async () => {
  let said = '';
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => (said += text) !== '');
  try {
    const stuck = job({ problems: [{ node: 'b', problems: ['it is cordoned'] }] });
    await waitForDrain(
      lattice(
        [stuck],
        [
          { name: 'a', state: 'draining', jobs: 1 },
          { name: 'a', state: 'gone', jobs: 1 },
          { name: 'a', state: 'draining', jobs: 0 },
        ],
      ),
      'a',
    );
  } finally {
    write.mockRestore();
  }
  expect(said).toBe('x: b: it is cordoned\n');
});

test('a node that is not drained any more', async () => {
  const looks = [
    { name: 'a', state: 'draining', jobs: 1 },
    { name: 'a', state: 'ready', jobs: 0 },
  ] as const;
  await expect(waitForDrain(lattice([job()], looks), 'a')).rejects.toThrow('a is not drained any more: it is ready');
});
