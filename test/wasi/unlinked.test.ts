/**
 * Open files that have no name any more, or another one: what a capture finds, what a restored program has, on both
 * CPUs.
 */

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeSnapshot } from '../../bin/show/snapshot.js';
import { InputError, LimitError } from '../../src/base/errors.js';
import { checkHost } from '../../src/restore/check-host.js';
import { type FdPolicy, RestoreProblems } from '../../src/restore/grants.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { nativeArch } from '../support/native-arch.js';
import { canRun } from '../support/workload.js';
import { at, dirs, folder, type How, Program, restored, root, said, snapshot } from './files-program.js';

describe.each(['x64', 'arm64'] as const)('on %s', (arch) => {
  const runs = it.runIf(canRun(arch));

  runs('an unlinked file is one again, with its contents, position, access and flags', async () => {
    const before = await Program.start(arch);
    await before.all(
      'open 4 /a r+c',
      'write 4 0123456789',
      'open 5 /a r',
      'seek 5 3',
      'open 6 /a wa',
      'unlink /a',
      'seek 4 6',
    );
    writeFileSync(at('a'), 'another');
    const [warnings, { files }] = await before.capture();
    expect(warnings).toEqual([]);
    expect(files).toEqual(['descriptors 4, 5, 6, file "a": unlinked, 10 bytes in the snapshot']);
    expect(await said(true)).toEqual([]);
    for (const selfContained of [false, true]) {
      const after = await restored({ arch, selfContained });
      expect(
        await after.all(
          'tell 4',
          'read 4 9',
          'read 5 2',
          'nlink 4',
          'write 6 XY',
          'size 5',
          'read 4 9',
          'write 5 no',
          'read 6 1',
        ),
      ).toEqual([
        'tell 6',
        'read 6789',
        'read 34',
        'nlink 0',
        'write 2',
        'size 12',
        'read XY',
        'write errno 8',
        'read errno 8',
      ]);
      expect(await after.all('seek 4 200000', 'write 4 far', 'size 6', 'truncate 4 4', 'size 5')).toEqual([
        'seek 200000',
        'write 3',
        'size 200003',
        'truncate 0',
        'size 4',
      ]);
      await after.end();
      expect([readdirSync(root), readFileSync(at('a'), 'latin1')]).toEqual([['a'], 'another']);
    }
  });

  runs('a file that has replaced an open one is not taken for it', async () => {
    const before = await Program.start(arch);
    await before.all(
      'open 4 /lock r+c',
      'write 4 111',
      'unlink /lock',
      'open 5 /lock r+c',
      'write 5 222',
      'seek 4 0',
      'seek 5 0',
    );
    await before.capture();
    expect(await said()).toEqual([]);
    expect(await said(true)).toEqual([]);
    const after = await restored({ arch });
    expect(await after.all('read 4 9', 'read 5 9')).toEqual(['read 111', 'read 222']);
    await after.end();
  });
});

it.runIf(canRun('x64') && canRun('arm64'))(
  'goes from capture to capture, and from CPU to CPU',
  async () => {
    let program = await Program.start('x64');
    await program.all('open 4 /a r+c', 'write 4 one', 'open 5 /b r+c', 'unlink /a', 'unlink /b');
    const hops: How[] = [
      { arch: 'arm64' },
      { arch: 'x64', selfContained: true },
      { arch: 'arm64', selfContained: true },
    ];
    for (const [i, hop] of hops.entries()) {
      const [, { files }] = await program.capture();
      expect(files).toHaveLength(2);
      program = await restored(hop);
      expect(await program.all(`write 4 -${i}`, `write 5 ${i}`)).toEqual(['write 2', 'write 1']);
    }
    expect(await program.all('seek 4 0', 'read 4 20', 'seek 5 0', 'read 5 20')).toEqual([
      'seek 0',
      'read one-0-1-2',
      'seek 0',
      'read 012',
    ]);
    await program.end();
    expect(readdirSync(root)).toEqual([]);
  },
  120_000,
);

it('below a read-only directory it is made elsewhere', async () => {
  writeFileSync(at('a'), 'kept');
  const before = await Program.start(nativeArch, { readOnly: true });
  await before.does('open 4 /a r');
  rmSync(at('a'));
  await before.capture();
  const after = await restored({ readOnly: true });
  expect(await after.all('read 4 9', 'nlink 4')).toEqual(['read kept', 'nlink 0']);
  await after.capture();
  const again = await restored();
  expect(await again.all('tell 4', 'seek 4 0', 'read 4 9')).toEqual(['tell 4', 'seek 0', 'read kept']);
  await again.end();
});

it('its directory may be closed', async () => {
  const before = await Program.start();
  await before.all('open 4 /a r+c', 'write 4 kept', 'unlink /a', 'close 3');
  await before.capture();
  const after = await restored();
  expect(await after.all('seek 4 0', 'read 4 9', 'open 3 /a rc')).toEqual(['seek 0', 'read kept', 'open errno 8']);
  await after.capture();
  const again = await restored({ selfContained: true });
  expect(await again.all('tell 4', 'nlink 4')).toEqual(['tell 4', 'nlink 0']);
  await again.end();
});

it('a large file keeps its holes', async () => {
  const before = await Program.start();
  await before.all('open 4 /a r+c', 'truncate 4 40000000', 'seek 4 30000001', 'write 4 here', 'unlink /a');
  const [, { files }] = await before.capture();
  expect(files).toEqual(['descriptor 4, file "a": unlinked, 40000000 bytes in the snapshot']);
  const blocks = spawnSync('stat', ['-c', '%b', snapshot], { encoding: 'utf8' }).stdout;
  expect(Number(blocks) * 512).toBeLessThan(4_000_000);
  for (const selfContained of [false, true]) {
    const after = await restored({ selfContained });
    expect(await after.all('size 4', 'seek 4 30000001', 'read 4 5')).toEqual([
      'size 40000000',
      'seek 30000001',
      'read here',
    ]);
    await after.end();
  }
});

it('more than is allowed is a limit, and the program continues', async () => {
  const program = await Program.start();
  await program.all('open 4 /a r+c', 'truncate 4 6000', 'open 5 /b r+c', 'truncate 5 4001', 'unlink /a', 'unlink /b');
  const refused = program.capture({ maxFileData: 10_000 });
  await expect(refused).rejects.toThrow(LimitError);
  await expect(refused).rejects.toThrow(
    /10001 bytes.*10000.*--max-file-data[\s\S]*"a": 6000 bytes[\s\S]*"b": 4001 bytes/,
  );
  expect(
    existsSync(snapshot) &&
      readSnapshot(snapshot).snapshot.host.descriptors.some(({ contents }) => contents?.size === 6000),
  ).toBe(false);
  expect(await program.does('size 4')).toBe('size 6000');
  const [, { files }] = await program.capture({ maxFileData: 10_001 });
  expect(files).toHaveLength(2);
});

it('a file that somebody has renamed is found by its present name', async () => {
  mkdirSync(at('sub'));
  const before = await Program.start();
  await before.all('open 4 /a r+c', 'write 4 mine', 'open 5 /sub d');
  renameSync(at('a'), at('sub/b'));
  renameSync(at('sub'), at('moved'));
  writeFileSync(at('a'), 'another');
  const [warnings, { files }] = await before.capture();
  expect([warnings, files]).toEqual([[], ['descriptor 4: "a" is "moved/b" now', 'descriptor 5: "sub" is "moved" now']]);
  expect(await said(true)).toEqual([]);
  const after = await restored();
  expect(await after.all('seek 4 0', 'read 4 9')).toEqual(['seek 0', 'read mine']);
  await after.end();
});

it('one that was moved out of its directory is copied, and that is said', async () => {
  const before = await Program.start();
  await before.all('open 4 /a r+c', 'write 4 mine');
  renameSync(at('a'), join(folder, 'outside'));
  const [warnings] = await before.capture();
  expect(warnings).toEqual([
    'descriptor 4: the file "a" was removed or replaced: the snapshot has a copy of its contents',
  ]);
  const after = await restored();
  expect(await after.all('seek 4 0', 'read 4 9', 'write 4 X')).toEqual(['seek 0', 'read mine', 'write 1']);
  await after.end();
  expect(readFileSync(join(folder, 'outside'), 'latin1')).toBe('mine');
});

it('a directory that was removed, a pipe that was unlinked: a warning, then a refusal, unless it is said what they become', async () => {
  spawnSync('mkfifo', [at('pipe')]);
  mkdirSync(at('sub'));
  const before = await Program.start();
  await before.all('open 4 /sub d', 'open 5 /pipe r+', 'rmdir /sub', 'unlink /pipe');
  mkdirSync(at('sub'));
  const [warnings] = await before.capture();
  expect(warnings).toEqual([
    'descriptor 4: the directory "sub" was removed: restore will need --fd 4=ignore|close',
    'descriptor 5: the pipe "pipe" was removed: restore will need --fd 5=ignore|close',
  ]);
  const refused = ['directory "sub"', 'pipe "pipe"'];
  expect(await said()).toEqual(
    refused.map((what) => `refused: ${what}: it had been removed when the program was captured`),
  );
  await expect(restored()).rejects.toThrow(RestoreProblems);
  expect(describeSnapshot(readSnapshot(snapshot)).text).toMatch(/4: directory sub below 3, without a name/);
  const after = await restored({
    policies: new Map<number, FdPolicy>([
      [4, 'reopen'],
      [5, 'ignore'],
    ]),
  });
  expect(await after.all('read 5 1', 'open 6 /sub d')).toEqual(['read ', 'open 6']);
  await after.end();
});

describe('a file that is another one at restore', () => {
  const capture = async (contents = 'mine') => {
    const before = await Program.start();
    await before.all('open 4 /a r+c', `write 4 ${contents}`);
    await before.capture();
  };
  const other = `file "a" below "/" ("${at('a')}") is not the file that was open`;

  it('is said to be that, or refused', async () => {
    await capture();
    spawnSync('cp', ['-p', at('a'), at('b')]);
    renameSync(at('b'), at('a'));
    expect(await said()).toEqual([`descriptor 4, ${other}`]);
    expect(await said(true)).toEqual([`refused: ${other}`]);
  });

  it('is said to be that also when it has got the inode of the old one', async (context) => {
    const birth = () => statSync(at('a'), { bigint: true }).birthtimeNs;
    /** Changes its inode until the time of that is not the one when it was made. */
    const age = () => {
      while (statSync(at('a'), { bigint: true }).ctimeNs === birth()) utimesSync(at('a'), 1, 1);
      utimesSync(at('a'), 1, 1);
    };
    writeFileSync(at('a'), 'mine');
    if (birth() === 0n) return context.skip(); // the file system does not know when files were made
    age();
    const before = await Program.start();
    await before.does('open 4 /a r');
    await before.capture();
    const old = birth();
    do {
      rmSync(at('a'));
      writeFileSync(at('a'), 'mine');
    } while (birth() === old);
    age();
    expect(await said(true)).toEqual([`refused: ${other}`]);
  });

  it('is the same when its hash is', async () => {
    const before = await Program.start();
    await before.all('open 4 /a r+c', 'write 4 mine');
    await before.capture({ hashFiles: true });
    linkSync(at('a'), at('kept')); // its number is given to no other file
    spawnSync('cp', [at('a'), at('b')]);
    renameSync(at('b'), at('a'));
    expect(await said(true)).toEqual([]);
    writeFileSync(at('b'), 'else');
    renameSync(at('b'), at('a'));
    expect((await said(true)).join()).toMatch(/is not the file that was open: sha256/);
  });

  it('has changed only if it is the same one', async () => {
    await capture();
    writeFileSync(at('a'), 'mine, and more');
    expect((await said()).join()).toMatch(/has changed since the capture: size 4 -> 14/);
  });

  it('is judged by size, time and hash on another machine, and in a copy of the directory', async () => {
    await capture();
    const stored = readSnapshot(snapshot);
    spawnSync('cp', ['-a', root, join(folder, 'copy')]);
    const copy = [{ host: join(folder, 'copy'), guest: '/', readOnly: false }];
    expect(await checkHost(stored, { directories: copy, strictFiles: true })).toEqual([]);
    spawnSync('cp', ['-p', at('a'), at('b')]);
    renameSync(at('b'), at('a'));
    const { host } = stored.snapshot;
    const descriptors = host.descriptors.map((descriptor) =>
      descriptor.identity ? { ...descriptor, identity: { ...descriptor.identity, boot: '0'.repeat(64) } } : descriptor,
    );
    const elsewhere = { ...stored, snapshot: { ...stored.snapshot, host: { ...host, descriptors } } };
    expect(await checkHost(elsewhere, { directories: dirs, strictFiles: true })).toEqual([]);
  });
});

it('a descriptor can get another file, or what has its name now', async () => {
  const before = await Program.start();
  await before.all('open 4 /a r+c', 'write 4 old', 'unlink /a', 'seek 4 1');
  await before.capture();
  writeFileSync(at('a'), 'new');
  writeFileSync(at('b'), 'given');
  const policies: [FdPolicy, string][] = [
    ['reopen', 'read ew'],
    [{ path: at('b') }, 'read iven'],
    ['ignore', 'read '],
    ['close', 'read errno 8'],
    ['fail', 'read ld'],
  ];
  for (const [policy, answer] of policies) {
    const after = await restored({ policies: new Map([[4, policy]]) });
    expect(await after.does('read 4 9')).toBe(answer);
    await after.end();
  }
});

it('inspect shows it', async () => {
  const before = await Program.start();
  await before.all('open 4 /a r+c', 'write 4 old', 'unlink /a');
  await before.capture();
  const { text, json } = describeSnapshot(readSnapshot(snapshot));
  expect(text).toContain('4: file a below 3 at offset 3, unlinked, 3 bytes in the snapshot\n');
  const { descriptors } = (json as { host: { descriptors: { fd: number; unlinked?: object }[] } }).host;
  expect(descriptors.find(({ fd }) => fd === 4)?.unlinked).toMatchObject({ bytes: 3 });
});

it('contents that are not what was captured are refused', async () => {
  const before = await Program.start();
  await before.all('open 4 /a r+c', 'write 4 contents', 'unlink /a');
  await before.capture();
  const bytes = readFileSync(snapshot);
  const { contents } = readSnapshot(snapshot).snapshot.host.descriptors.find(({ fd }) => fd === 4)!;
  bytes.write('C', contents!.fileOffset);
  writeFileSync(snapshot, bytes);
  await expect(restored()).rejects.toThrow(/hash of the file of descriptor 4 differs/);
  await expect(restored({ selfContained: true })).rejects.toThrow(InputError);
  const after = await restored({ policies: new Map([[4, 'ignore']]) });
  expect(await after.does('read 4 9')).toBe('read ');
  await after.end();
});
