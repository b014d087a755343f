/** Snapshots that are cut short or damaged, full disks, folders that are missing or not writable. */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSnapshot } from '../../src/snapshot/format.js';
import { build, captureAndEnd, temporaryFolder, Workload } from '../support/workload.js';
import { Talker } from './capture-sweep.js';
import { CLI, type CommandOptions, command, type Outcome, wrongEnding } from './command.js';
import { BLOCKED, Conversation } from './programs.js';
import { Tally } from './tally.js';

const folder = temporaryFolder();
const tally = new Tally('files').printAtEnd();
const snapshot = join(folder, 'it.wsnap');
const small = join(folder, 'small');
const isRoot = process.geteuid?.() === 0;
const ANSWER = `${new Conversation().answer(120)}.`;
let mounted = false;

beforeAll(async () => {
  const { path } = await build(Buffer.from(BLOCKED), join(folder, 'blocked'));
  const workload = Workload.start(path, { stdin: 'pipe' });
  await workload.waitFor('A');
  await captureAndEnd(workload, snapshot);
  for (const name of ['tmp', 'small']) mkdirSync(join(folder, name));
  if (isRoot) mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', small]).status === 0;
  if (!mounted) console.log('no small disk can be mounted: a limit of the size of files instead');
});
afterAll(() => {
  if (mounted) spawnSync('umount', ['-l', small]);
});

function options(extra: Partial<CommandOptions> = {}): CommandOptions {
  const env = { XDG_CACHE_HOME: join(folder, 'cache'), TMPDIR: join(folder, 'tmp'), ...extra.env };
  return { folder, input: 'x', ...extra, env };
}

function restore(args: readonly string[] = [], extra: Partial<CommandOptions> = {}): Promise<Outcome> {
  return command(['restore', snapshot, ...args], options(extra));
}

/** As if the fault were not there. */
async function unharmed(name: string, outcome: Outcome): Promise<void> {
  const wrong = wrongEnding(outcome, [0]) ?? (outcome.stdout === ANSWER ? undefined : `it prints ${outcome.stdout}`);
  tally.add(name, wrong ?? leftovers());
  expect(wrong ?? leftovers(), name).toBeUndefined();
}

async function refused(name: string, outcome: Outcome, code: number, says: RegExp): Promise<void> {
  const told = says.test(outcome.stderr) ? undefined : `it says ${outcome.stderr}`;
  const wrong = wrongEnding(outcome, [code]) ?? told ?? leftovers();
  tally.add(name, wrong);
  expect(wrong, name).toBeUndefined();
}

function leftovers(): string | undefined {
  const left = readdirSync(join(folder, 'tmp'));
  return left.length > 0 ? `left: ${left}` : undefined;
}

describe('a snapshot', () => {
  test('cut off at each boundary, and next to it', async () => {
    const whole = readFileSync(snapshot);
    const { snapshot: read } = readSnapshot(snapshot);
    const header = Number(whole.readBigUInt64LE(16));
    const extents = read.instances[0].memories[0].extents.flatMap((e) => [e.fileOffset, e.fileOffset + e.bytes]);
    const module = read.modules[0].fileOffset ?? 0;
    const boundaries = [0, 8, 16, 32, 64, module, module + read.modules[0].size, ...extents, header, whole.length];
    const lengths = new Set(boundaries.flatMap((at) => [at - 1, at, at + 1]).filter((n) => n >= 0 && n < whole.length));
    const cut = join(folder, 'cut.wsnap');
    for (const length of lengths) {
      writeFileSync(cut, whole.subarray(0, length));
      let message = '';
      try {
        readSnapshot(cut);
      } catch (error) {
        message = (error as Error).message;
      }
      const fine = /not a snapshot|ends inside|truncated|header does not end/.test(message);
      tally.add(`cut to ${length} bytes`, fine ? undefined : message);
    }
    for (const length of [63, module + 1, header - 1, whole.length - 1]) {
      writeFileSync(cut, whole.subarray(0, length));
      for (const verb of ['restore', 'inspect']) {
        await refused(
          `${verb}, cut to ${length}`,
          await command([verb, cut], options()),
          3,
          /cut\.wsnap: .*(ends inside|truncated)/,
        );
      }
    }
    expect(tally.failures).toEqual([]);
  });

  test('with a bit turned in each part but the pages', async () => {
    const whole = readFileSync(snapshot);
    const { snapshot: read } = readSnapshot(snapshot);
    const header = Number(whole.readBigUInt64LE(16));
    const damaged = join(folder, 'damaged.wsnap');
    for (const at of [0, 9, 17, 25, 40, (read.modules[0].fileOffset ?? 0) + 100, header + 5, whole.length - 1]) {
      const bytes = Buffer.from(whole);
      bytes[at] ^= 4;
      writeFileSync(damaged, bytes);
      const says = /damaged\.wsnap(: .*(format \d+ is unknown|truncated|damaged)| is .*; restore takes)/;
      await refused(`bit of byte ${at}`, await command(['restore', damaged], options()), 3, says);
    }
  });

  test('that is no file', async () => {
    await refused('a folder', await command(['restore', folder], options()), 3, /is a directory/);
    await refused('none', await command(['restore', join(folder, 'none')], options()), 3, /no such file/);
    await refused('a device', await command(['restore', '/dev/null'], options()), 3, /null is empty; restore takes/);
  });
});

describe('a full disk', () => {
  /** What to run a command through, so that files of more than half a MiB do not fit. */
  const limited = () => (mounted ? [] : ['sh', '-c', 'ulimit -f 1024; exec "$@"', 'sh']);
  const FULL = /cannot be written: (the disk is full|the file gets too large)/;

  test('where a snapshot goes: the earlier one stays', async () => {
    const talker = await Talker.start(join(folder, 'blocked'));
    const output = join(small, 'it.wsnap');
    writeFileSync(output, 'earlier');
    for (const more of [[], ['--kill']]) {
      const args = ['capture', String(talker.pid), '-o', output, ...more];
      await refused('capture', await command(args, options({ through: limited() })), 1, FULL);
      expect(readdirSync(small)).toEqual(['it.wsnap']);
      expect(readFileSync(output, 'latin1')).toBe('earlier');
      expect(await talker.wrongAnswer()).toBeUndefined();
    }
    expect(await talker.wrongEnd()).toBeUndefined();
  });

  test('where an executable goes', async () => {
    const output = join(small, 'it');
    await refused('restore', await restore(['-o', output], { through: limited() }), 1, FULL);
    expect(existsSync(output)).toBe(false);
    expect(readdirSync(small)).toEqual(['it.wsnap']);
  });

  test('for the cache', async ({ skip }) => {
    if (!mounted) return skip('no file system of our own can be mounted here');
    writeFileSync(join(small, 'filler'), Buffer.alloc(800_000));
    await unharmed('full cache', await restore([], { env: { XDG_CACHE_HOME: small } }));
    rmSync(join(small, 'wag-snap'), { recursive: true, force: true });
    rmSync(join(small, 'filler'));
  });

  test('for what is printed', async () => {
    const to = ['sh', '-c', 'exec "$@" >/dev/full', 'sh'];
    await refused(
      'inspect',
      await command(['inspect', snapshot], options({ through: to })),
      1,
      /cannot print the result/,
    );
    await refused('restore', await restore(['-o', join(folder, 'exe')], { through: to }), 1, /cannot print the result/);
  });
});

describe('the cache', () => {
  const cache = join(folder, 'cache/wag-snap');

  test('with damaged entries', async () => {
    await unharmed('no cache yet', await restore());
    for (const name of readdirSync(cache)) writeFileSync(join(cache, name), 'nonsense');
    await unharmed('nonsense', await restore());
    for (const name of readdirSync(cache)) writeFileSync(join(cache, name), '');
    await unharmed('empty', await restore());
    for (const name of readdirSync(cache)) {
      rmSync(join(cache, name));
      mkdirSync(join(cache, name));
    }
    await unharmed('a folder', await restore());
  });

  test('that is a file, a dangling link, or below one', async () => {
    for (const make of [(at: string) => writeFileSync(at, ''), (at: string) => symlinkSync('/none/none', at)]) {
      const xdg = join(folder, `cache-${tally.injected}`);
      mkdirSync(xdg);
      make(join(xdg, 'wag-snap'));
      await unharmed('no folder', await restore([], { env: { XDG_CACHE_HOME: xdg } }));
    }
    await unharmed('below a file', await restore([], { env: { XDG_CACHE_HOME: snapshot } }));
    await unharmed('in /proc', await restore([], { env: { XDG_CACHE_HOME: '/proc' } }));
  });

  test.skipIf(!isRoot)(
    "that others can write to, or that is another user's: nothing of it is run",
    async ({ skip }) => {
      const xdg = join(folder, 'shared');
      const entries = join(xdg, 'wag-snap');
      await restore([], { env: { XDG_CACHE_HOME: xdg } });
      for (const spoil of [() => chmodSync(entries, 0o777), () => chownSync(entries, 65534, 65534)]) {
        try {
          spoil();
        } catch (error) {
          return skip(`no other users here: ${(error as Error).message}`); // in a user namespace
        }
        const before = readdirSync(entries).map((name) => statSync(join(entries, name)).mtimeMs);
        await unharmed('shared', await restore([], { env: { XDG_CACHE_HOME: xdg } }));
        expect(readdirSync(entries).map((name) => statSync(join(entries, name)).mtimeMs)).toEqual(before);
        chmodSync(entries, 0o700);
      }
    },
  );
});

describe('the environment', () => {
  test('without HOME', async () => {
    await unharmed('no HOME', await restore([], { env: { HOME: undefined, XDG_CACHE_HOME: undefined } }));
  });

  test('of a user without a home', async ({ skip }) => {
    const through = ['setpriv', '--reuid', '54321', '--clear-groups'];
    const canRead = [...through.slice(1), process.execPath, CLI, '--version'];
    if (!isRoot || spawnSync(through[0], canRead).status !== 0) return skip('no other user can run the command here');
    chmodSync(folder, 0o755);
    chmodSync(snapshot, 0o644);
    const tmp = join(folder, 'everybody');
    mkdirSync(tmp);
    chmodSync(tmp, 0o777);
    const env = { HOME: undefined, XDG_CACHE_HOME: undefined, TMPDIR: tmp };
    await unharmed('a user without a home', await restore([], { through, env }));
  });

  test('without a place for temporary files', async () => {
    await refused(
      'none',
      await restore([], { env: { TMPDIR: join(folder, 'none') } }),
      1,
      /no such file.*: set TMPDIR/,
    );
    await refused('a file', await restore([], { env: { TMPDIR: snapshot } }), 1, /not a folder: set TMPDIR/);
  });

  test('with one that nothing can be started from', async ({ skip }) => {
    const at = join(folder, 'noexec');
    mkdirSync(at);
    if (!isRoot || spawnSync('mount', ['-t', 'tmpfs', '-o', 'noexec', 'none', at]).status !== 0) {
      return skip('nothing can be mounted here');
    }
    try {
      await refused('noexec', await restore([], { env: { TMPDIR: at } }), 1, /mounted noexec\? TMPDIR/);
      expect(readdirSync(at)).toEqual([]);
    } finally {
      spawnSync('umount', ['-l', at]);
    }
  });
});

describe('what a killed command has left', () => {
  const out = join(folder, 'out');
  const name = (owner: string) => join(out, `.exe.wag-snap-${owner}-0badf00d.tmp`);

  async function ownName(): Promise<string> {
    const outcome = await restore(['-o', join(out, 'exe')], {
      fault: { label: 'fchmodSync /out/.exe.wag-snap-N.tmp', nth: 0, act: 'SIGKILL' },
    });
    expect(outcome.signal).toBe('SIGKILL');
    const [left] = readdirSync(out).filter((file) => file.startsWith('.'));
    return left;
  }

  test('goes with the next one; what may belong to a running one stays', async () => {
    mkdirSync(out);
    const left = await ownName();
    const [, space] = /wag-snap-([0-9a-f]+)-/.exec(left)!;
    const start = readFileSync(`/proc/${process.pid}/stat`, 'latin1').split(') ')[1].split(' ')[19];
    const day = Date.now() / 1000 - 90_000;
    const kept = [`${space}-${process.pid}-${start}`, 'abc-1-1', '0-1-1'].map(name);
    const gone = [`${space}-${process.pid}-1`, `${space}-4194305-5`, 'abc-1-2', '0-1-2'].map(name);
    gone.push(join(out, '.other.wag-snap-1-1-1-1.tmp'));
    for (const file of [...kept, ...gone]) writeFileSync(file, '');
    for (const file of gone.slice(2)) utimesSync(file, day, day);
    const others = ['.exe.wag-snap-1.tmp', 'exe.wag-snap-1-1-1-1.tmp', 'exe.tmp'].map((file) => join(out, file));
    for (const file of others) {
      writeFileSync(file, '');
      utimesSync(file, day, day);
    }
    symlinkSync(snapshot, name(`${space}-4194306-5`));
    await command(['restore', snapshot, '-o', join(out, 'exe')], options());
    const wrong = [...gone, join(out, left)]
      .filter(existsSync)
      .concat([...kept, ...others].filter((f) => !existsSync(f)));
    tally.add('leftovers', wrong.length > 0 ? `${wrong}` : undefined);
    expect(wrong).toEqual([]);
    expect(existsSync(snapshot)).toBe(true);
  });
});
