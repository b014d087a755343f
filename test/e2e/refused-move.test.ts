/** Moves that the other side refuses: what is wrong is printed, and the program continues here. */

import { describe, expect, test } from 'vitest';
import type { Ended } from '../support/command.js';
import { type Counter, ends, expectWhole, MovingCounters, receiver } from '../support/moving-counter.js';
import { temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);

const wagSnap = (...args: readonly string[]) => counters.wagSnap(...args);
const start = () => counters.start();
const migrate = (pid: number, counter: Counter, ...more: string[]) => counters.migrate(pid, counter, ...more);
const stateOf = (pid: number) => counters.stateOf(pid);

describe('what is wrong there is said, and it continues here', () => {
  const cases: [string, (counter: Counter) => Promise<Ended>, number, RegExp][] = [
    [
      'no directory',
      ({ pid }) => wagSnap('migrate', String(pid), receiver),
      3,
      /descriptor 3, directory "\/d": no directory was given for it/,
    ],
    [
      'too much memory',
      (counter) => migrate(counter.pid, counter, `${receiver} --max-memory 64K`),
      4,
      /has 1310720 bytes of memory, .* allows 65536/,
    ],
    [
      'nobody',
      (counter) => migrate(counter.pid, counter, 'exec:exit 3'),
      1,
      /the connection .* is gone: the command has ended with exit code 3\n/,
    ],
    ['something else', (counter) => migrate(counter.pid, counter, 'exec:echo Welcome'), 3, /is not wag-snap's/],
    [
      'silence',
      (counter) => migrate(counter.pid, counter, 'exec:cat >/dev/null', '--timeout', '100ms'),
      1,
      /has said nothing|connection to the other side is gone/,
    ],
    [
      'all of it at once',
      ({ pid }) => wagSnap('migrate', String(pid), `${receiver} --max-memory 64K`, '--output-dir', '/dev/null/x'),
      4,
      /cannot take the program, for 3 reasons:\n {2}the program has 1310720 bytes .*\n(.*\n)* {4}descriptor 3, directory "\/d": no directory.*\n(.*\n)* {2}\/dev\/null\/x: the folder/,
    ],
    [
      'no place for its output',
      ({ pid, data }) =>
        wagSnap('migrate', String(pid), receiver, '--dir', `${data}::/d`, '--output-dir', '/dev/null/x'),
      1,
      /the folder for its output cannot be made/,
    ],
  ];
  test.each(cases)('%s', async (_, act, status, message) => {
    const counter = await start();
    const ended = await act(counter);
    expect([ended.status, ended.stderr]).toEqual([status, expect.stringMatching(message)]);
    expect(ended.stderr.trimEnd().split('\n').at(-1)).toBe(`pid ${counter.pid} continues here`);
    expect(await stateOf(counter.pid)).toBe('running');
    expectWhole(await ends(counter, counter.pid));
  });

  test('a limit of its own is not said to be that of the host', async () => {
    const { pid } = await start();
    const ended = await wagSnap('migrate', String(pid), receiver, '--max-memory', '128K', '--dry-run');
    expect([ended.status, ended.stderr]).toEqual([
      4,
      expect.stringMatching(/1310720 bytes .*, --max-memory allows 131072$/m),
    ]);
    expect(ended.stderr).not.toContain('continues here'); // nothing was to be moved
  });

  test('for programs, too: the last object says it', async () => {
    const last = async (...args: string[]) => {
      const { status, stdout } = await wagSnap('migrate', ...args, '--json');
      return { status, ...(JSON.parse(stdout.trim().split('\n').at(-1)!) as object) };
    };
    expect(await last('999999999', receiver)).toMatchObject({ status: 3, event: 'failed', exitCode: 3 });
    expect(await last('1', receiver, '--lazy', '--keep')).toMatchObject({ status: 2, event: 'failed', code: 'usage' });
    const { pid } = await start();
    const looked = await last(String(pid), receiver, '--dry-run');
    expect(looked).toMatchObject({ status: 3, event: 'failed', details: expect.any(Array) });
  });
});
