/**
 * The order of a capture's steps, from a log of its calls: what is written is made durable before it gets its name, and
 * a process that is to end ends after all of that. After a fault at any of these steps the process answers.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { RT_COMMAND, RT_STOP_SENDER, STATE_RUNNING } from '../../../src/image/contract/runtime-block.js';
import { TH_STATE } from '../../../src/image/contract/thread.js';
import { Talker } from '../../faults/capture-sweep.js';
import { BLOCKED } from '../../faults/programs.js';
import { build, temporaryFolder } from '../../support/workload.js';

/** What has happened, in order; `fault` throws at the call that it names. */
const log: string[] = [];
let fault: { call: string; code: string } | undefined;
/** Holds back every answer about a writeback; the call says that it may come. */
let answerWriteback: (() => void) | undefined;
let slowWriteback = false;
/** Bytes that one write takes at most. */
let shortWrite = Number.POSITIVE_INFINITY;
const paths = new Map<number, string>();
let renamed = '';

function happen(call: string): void {
  if (log.at(-1) !== call) log.push(call);
  if (fault?.call !== call) return;
  const { code } = fault;
  fault = undefined;
  throw Object.assign(new Error(`${code}: injected`), { code, syscall: call.split(' ')[0] });
}

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const kind = (fd: number): string | undefined => {
    const path = paths.get(fd) ?? '';
    if (path.endsWith('/mem')) return 'process';
    if (path.includes('.tmp')) return 'file';
    return path === dirname(renamed) ? 'folder' : undefined;
  };
  const noted =
    <A extends [number, ...never[]], R>(name: string, call: (...args: A) => R, what = '') =>
    (...args: A): R => {
      const on = kind(args[0]);
      if (on !== undefined) happen(`${name} ${on}${what}`);
      return call(...args);
    };
  const later =
    (name: string, call: (...args: never[]) => void) =>
    (...args: unknown[]) => {
      const done = args.at(-1) as (...result: unknown[]) => void;
      const answer = (...result: unknown[]) => {
        if (name !== 'fdatasync' || !slowWriteback) done(...result);
        else answerWriteback = () => done(...result);
      };
      try {
        const on = kind(args[0] as number);
        if (on !== undefined) happen(`${name} ${on}`);
      } catch (error) {
        return void setImmediate(answer, error);
      }
      return call(...([...args.slice(0, -1), answer] as never[]));
    };
  const mocked = {
    ...fs,
    openSync: (path: string, ...rest: [string, number?]) => {
      const fd = fs.openSync(path, ...rest);
      paths.set(fd, String(path));
      return fd;
    },
    closeSync: (fd: number) => {
      if (kind(fd) === 'file') happen('close file');
      paths.delete(fd);
      fs.closeSync(fd);
    },
    writeSync: (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => {
      const on = kind(fd);
      // A command is a word of the runtime block, a request to track more.
      if (on === 'process') happen(length === 4 ? `command ${Buffer.from(bytes).readUInt32LE(offset)}` : 'request');
      else if (on !== undefined) happen(`write ${on}`);
      return fs.writeSync(fd, bytes, offset, length, position);
    },
    ftruncateSync: noted('ftruncate', fs.ftruncateSync as (fd: number, ...rest: never[]) => void),
    fsyncSync: noted('fsync', fs.fsyncSync as (fd: number, ...rest: never[]) => void),
    write: later('write', ((fd: number, bytes: Buffer, at: number, length: number, ...rest: [number, () => void]) =>
      fs.write(fd, bytes, at, Math.min(length, shortWrite), ...rest)) as never),
    fsync: later('fsync', fs.fsync as never),
    fdatasync: later('fdatasync', fs.fdatasync as never),
    renameSync: (from: string, to: string) => {
      renamed = to;
      happen('rename');
      fs.renameSync(from, to);
    },
  };
  return { ...mocked, default: mocked };
});

const { capturePid } = await import('../../support/capture.js');
const { readSnapshot } = await import('../../../src/snapshot/format.js');
const { ImageProcess } = await import('../../../src/capture/process.js');
const { SnapshotWriter } = await import('../../../src/snapshot/writer.js');

const [HOLD, RESUME, EXIT] = ['command 3', 'command 1', 'command 2'];
const folder = temporaryFolder();
let talker: Talker | undefined;
let output: string;
beforeAll(async () => {
  await build(Buffer.from(BLOCKED), join(folder, 'image'));
});
beforeEach(() => {
  talker?.workload.kill();
  const own = mkdtempSync(join(folder, 'out-'));
  output = join(own, 'it.wsnap');
  fault = undefined;
  slowWriteback = false;
  shortWrite = Number.POSITIVE_INFINITY;
  answerWriteback = undefined;
  renamed = output;
});
afterAll(() => talker?.workload.kill());

async function started(): Promise<Talker> {
  talker = await Talker.start(join(folder, 'image'));
  log.length = 0;
  return talker;
}

const answers = async (process: Talker) => expect(await process.wrongAnswer()).toBeUndefined();

function expectOrder(...wanted: string[]): void {
  let at = -1;
  for (const step of wanted) {
    const next = log.indexOf(step, at + 1);
    expect([step, next > at, log]).toEqual([step, true, log]);
    at = next;
  }
}

describe('the order', () => {
  test('of a capture with --kill: write, fsync, rename, fsync of the folder, and only then the end', async () => {
    const process = await started();
    await capturePid(process.pid, { output, kill: true });
    expect(log.filter((step) => [HOLD, RESUME, EXIT].includes(step))).toEqual([HOLD, EXIT]);
    expectOrder(HOLD, 'write file', 'fsync file', 'rename', 'fsync folder', EXIT);
    expect(log.lastIndexOf('write file')).toBeLessThan(log.indexOf('fsync file'));
    expect(log.lastIndexOf('write file')).toBeLessThan(log.lastIndexOf('fsync file'));
    expect(await process.workload.ended()).toMatchObject({ code: 75 });
    readSnapshot(output);
  });

  test('of one after which it continues: all is read, it continues, and then the rest is written and durable', async () => {
    const process = await started();
    await capturePid(process.pid, { output, tracking: 'none' });
    expect(log.filter((step) => step.startsWith('command'))).toEqual([HOLD, RESUME]);
    expectOrder(HOLD, 'write file', RESUME, 'write file', 'fsync file', 'rename', 'fsync folder');
    expect(log.lastIndexOf('write file')).toBeLessThan(log.indexOf('fsync file'));
    expect(log).not.toContain('request');
    await answers(process);
  });

  test('of one that is tracked: pages are written before it is asked to stop and after it was let go', async () => {
    const process = await started();
    const { tracking } = await capturePid(process.pid, { output });
    if (tracking === undefined) return; // not on this machine
    expectOrder('request', 'write file', 'request', HOLD, 'request', RESUME, 'write file', 'fsync file', 'rename');
    expect(log.slice(log.indexOf(HOLD), log.indexOf(RESUME))).not.toContain('write file');
    await answers(process);
  });
});

const FAULTS = ['ftruncate file', 'write file', 'fsync file', 'rename', 'fsync folder'];
describe.each([
  ['with --kill', true],
  ['without', false],
])('after a fault, %s', (_, kill) => {
  test.each(FAULTS)('at %s the process answers, and nothing is left', async (call) => {
    const process = await started();
    writeFileSync(output, 'earlier');
    fault = { call, code: 'EIO' };
    const error = await capturePid(process.pid, { output, kill }).catch((caught) => caught);
    expect(error).toMatchObject({ name: expect.anything(), exitCode: 1 });
    expect(fault).toBeUndefined();
    expect(log).not.toContain(EXIT);
    await answers(process);
    const attached = await ImageProcess.attach(process.pid);
    const word = (field: number) => attached.memory.u32(attached.runtime + field);
    await expect.poll(() => [word(TH_STATE), word(RT_STOP_SENDER), word(RT_COMMAND)]).toEqual([STATE_RUNNING, 0, 0]);
    attached.close();
    expect(readdirSync(dirname(output))).toEqual(['it.wsnap']);
    if (call === 'fsync folder') expect(() => readSnapshot(output)).not.toThrow();
    else expect(readFileSync(output, 'utf8')).toBe('earlier');
  });
});

test('a write that takes only some of it continues with the rest', async () => {
  shortWrite = 5000;
  const bytes = Buffer.from(Array.from({ length: 1 << 16 }, (_, i) => i % 251));
  const writer = new SnapshotWriter(output);
  const at = writer.pages.reserve(1);
  await writer.pages.write(bytes, 0, at, new Uint16Array(1).fill(0xffff));
  await writer.commit();
  expect(readFileSync(output).subarray(at).equals(bytes)).toBe(true);
});

describe('a writeback under way', () => {
  const MIB = 1 << 20;
  const PAGES = 512;

  async function filled(early: boolean): Promise<InstanceType<typeof SnapshotWriter>> {
    const writer = new SnapshotWriter(output, { earlyWriteback: early });
    log.length = 0;
    const bytes = Buffer.alloc(MIB, 7);
    const blocks = new Uint16Array(16).fill(0xffff);
    for (let page = 0; page < PAGES + 64; page += 16)
      await writer.pages.write(bytes, 0, writer.pages.reserve(16), blocks);
    return writer;
  }

  test('is begun for a file that is waited for, and for no other', async () => {
    const early = await filled(true);
    expect(log).toContain('fdatasync file');
    early.abandon();
    const late = await filled(false);
    expect(log).not.toContain('fdatasync file');
    late.abandon();
  });

  test('that loses data is the failure of the whole, although the last fsync succeeds', async () => {
    fault = { call: 'fdatasync file', code: 'EIO' };
    const writer = await filled(true);
    await expect(writer.commit()).rejects.toThrow(/it\.wsnap/);
    writer.abandon();
    expect(log).not.toContain('rename');
    await expect.poll(() => readdirSync(dirname(output))).toEqual([]);
  });

  test('is waited for before anything else, and what it says counts', async () => {
    slowWriteback = true;
    fault = { call: 'fdatasync file', code: 'EIO' };
    const writer = await filled(true);
    const committed = writer.commit().catch((error) => error);
    await expect.poll(() => answerWriteback).toBeDefined();
    await new Promise(setImmediate);
    expect(log).not.toContain('fsync file');
    answerWriteback!();
    expect(await committed).toMatchObject({ code: 'write' });
    writer.abandon();
    expect(log).not.toContain('rename');
  });

  test('keeps the descriptor until it is done', async () => {
    slowWriteback = true;
    const writer = await filled(true);
    await expect.poll(() => answerWriteback).toBeDefined();
    writer.abandon();
    expect(log).not.toContain('close file');
    expect(readdirSync(dirname(output))).toEqual([]);
    answerWriteback!();
    await expect.poll(() => log.includes('close file')).toBe(true);
    rmSync(dirname(output), { recursive: true, force: true });
  });
});
