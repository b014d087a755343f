/** A move by the library, over a transport of the caller's own. */

import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import {
  endKept,
  type Link,
  listWorkloads,
  type MoveEvent,
  migrate,
  type ReceiveOptions,
  receive,
  resumeKept,
  run,
  type StartedWorkload,
  type Transport,
  UndecidedError,
} from '../../../src/api/index.js';
import { processStatus } from '../../../src/capture/process.js';
import { temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
let count = 0;
/** Pids of what a test has started or moved: whatever happens it ends with it. */
const pids: number[] = [];
afterEach(() => {
  for (const pid of pids.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
});

interface Here extends Transport {
  received: ReturnType<typeof receive> | undefined;
  /** How often the program's modules were sent. */
  modules: number;
}

const MODULES = 7;

/** A receiver in this process, behind two streams. @param cut whether the link is cut at the commit */
function here(options: ReceiveOptions, cut = false): Here {
  return {
    name: 'here',
    received: undefined,
    modules: 0,
    async connect() {
      const [to, from] = [new PassThrough(), new PassThrough()];
      this.received = receive(to, from, options);
      const isCommit = (data: Buffer) => data.length < 64 && data.includes(4, 4) && data[4] === 4;
      const output = new Duplex({
        read() {},
        write: (data: Buffer, _, done) => {
          if (data.length < 64 && data[4] === MODULES) this.modules++;
          if (cut && isCommit(data)) {
            to.destroy();
            from.destroy();
            done();
          } else to.write(data, done);
        },
      });
      return { input: from, output, close: () => to.end() };
    },
  };
}

async function start(): Promise<{ workload: StartedWorkload; data: string }> {
  const data = join(folder, `data-${count++}`);
  mkdirSync(data);
  const dirs = [{ host: data, guest: '/d' }];
  const workload = await run(join(import.meta.dirname, '../../e2e/counter.wat'), { dirs, stdio: 'pipe' });
  pids.push(workload.pid);
  await once(workload.stdout!, 'data');
  return { workload, data };
}

test('ends it here, and continues it there', async () => {
  const { workload, data } = await start();
  const outputDir = join(folder, 'out');
  const transport = here({ outputDir });
  const events: MoveEvent['event'][] = [];
  const moved = await migrate(workload, transport, {
    dirs: [{ host: data, guest: '/d' }],
    onEvent: ({ event }) => events.at(-1) === event || events.push(event),
  });
  pids.push(moved.pid!);
  expect(await transport.received).toEqual({ pid: moved.pid });
  expect(await workload.exited).toMatchObject({ code: 75 });
  expect(events.filter((event) => !['sent', 'round', 'left'].includes(event))).toEqual([
    'connected',
    'ready',
    'compiled',
    'stopped',
    'prepared',
  ]);
  expect((await listWorkloads()).map(({ pid }) => pid)).toContain(moved.pid);
  writeFileSync(join(data, 'stop'), '');
  while (processStatus(moved.pid!) !== undefined && processStatus(moved.pid!)?.state !== 'Z') await sleep(5);
  expect(readFileSync(moved.output, 'utf8')).toMatch(/^line \d+\n(.*\n)*end\n$/);
});

test('is given up while it connects, and a link that comes later is closed', async () => {
  const { workload, data } = await start();
  const giveUp = new AbortController();
  let answer: (link: Link) => void = () => {};
  const silent: Transport = {
    name: 'silent',
    connect() {
      setImmediate(() => giveUp.abort('enough'));
      return new Promise((resolve) => (answer = resolve));
    },
  };
  await expect(migrate(workload, silent, { signal: giveUp.signal })).rejects.toMatchObject({
    message: expect.stringContaining('interrupted by enough'),
    details: [`pid ${workload.pid} continues here`],
  });
  const closed = new Promise<void>((close) => answer({ input: new PassThrough(), output: new PassThrough(), close }));
  await closed;
  writeFileSync(join(data, 'stop'), '');
  expect(await workload.exited).toMatchObject({ code: 0 });
});

test('sends its modules only where the image is not', async () => {
  const cache = process.env['XDG_CACHE_HOME'];
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
  try {
    const other = await start();
    rmSync(join(folder, 'cache'), { recursive: true }); // its image is there
    const dirs = [{ host: other.data, guest: '/d' }];
    const [first, second] = [here({ outputDir: join(folder, 'out') }), here({ outputDir: join(folder, 'out') })];
    const { pid } = await migrate(other.workload, first, { dirs });
    pids.push(pid!);
    const again = await migrate(pid!, second, { dirs });
    pids.push(again.pid!);
    expect([first.modules, second.modules]).toEqual([1, 0]);
    writeFileSync(join(other.data, 'stop'), '');
    while (processStatus(again.pid!) !== undefined && processStatus(again.pid!)?.state !== 'Z') await sleep(5);
    expect(readFileSync(again.output, 'utf8')).toMatch(/^(line \d+\n)*end\n$/);
  } finally {
    if (cache === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = cache;
  }
});

test.each([
  ['resumed', resumeKept, 0],
  ['ended', endKept, 75],
])('a move whose end is not known keeps it, until it is %s', async (_, decide, code) => {
  const { workload, data } = await start();
  const transport = here({ outputDir: join(folder, 'out') }, true);
  const dirs = [{ host: data, guest: '/d', readOnly: false }];
  await expect(migrate(workload, transport, { dirs })).rejects.toThrow(UndecidedError);
  expect((await transport.received)?.pid).toBeUndefined();
  expect((await listWorkloads()).find(({ pid }) => pid === workload.pid)?.state).toBe('kept');
  await decide(workload.pid);
  writeFileSync(join(data, 'stop'), '');
  expect(await workload.exited).toMatchObject({ code });
});

test('is given up by its signal', async () => {
  const { workload, data } = await start();
  const controller = new AbortController();
  const transport = here({ outputDir: join(folder, 'out') });
  const moving = migrate(workload, transport, {
    dirs: [{ host: data, guest: '/d', readOnly: false }],
    signal: controller.signal,
    onEvent: ({ event }) => event === 'compiled' && controller.abort('its user'),
  });
  await expect(moving).rejects.toThrow(/interrupted by its user/);
  expect(await transport.received).toEqual({ pid: undefined });
  writeFileSync(join(data, 'stop'), '');
  expect(await workload.exited).toMatchObject({ code: 0 });
});
