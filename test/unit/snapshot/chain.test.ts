/** Where the files of a chain are found, and what is reported when one is missing, wrong or changed. */

import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { type ChainPlaces, locateAncestors } from '../../../src/snapshot/chain.js';
import { ChainFiles } from '../../../src/snapshot/chain-files.js';
import { readSnapshot, readSnapshotModule } from '../../../src/snapshot/format.js';
import type { StoredSnapshot } from '../../../src/snapshot/snapshot.js';
import { temporaryFolder } from '../../support/workload.js';
import { readMemory, writeGeneration } from './chain-sample.js';
import { MODULE_BYTES } from './sample.js';

const PAGE = 65536;
const root = temporaryFolder();
const contents = Array.from({ length: 3 }, (_, n) => {
  const memory = Buffer.alloc(8 * PAGE, 1);
  for (let i = 1; i <= n; i++) memory.fill(i + 1, i * PAGE, (i + 1) * PAGE);
  return memory;
});
let count = 0;

/** A folder with a, its child b, and c, which is a child of b and needs both. */
function folder(): string {
  const path = join(root, `case-${count++}`);
  mkdirSync(path);
  for (const name of ['a', 'b', 'c']) copyFileSync(join(root, `${name}.wsnap`), join(path, `${name}.wsnap`));
  return path;
}

beforeAll(async () => {
  let parent: StoredSnapshot | undefined;
  for (const [n, name] of ['a', 'b', 'c'].entries()) {
    const path = join(root, `${name}.wsnap`);
    await writeGeneration(path, contents[n], parent);
    parent = await locateAncestors(readSnapshot(path));
  }
});

const open = (path: string, places?: ChainPlaces) => locateAncestors(readSnapshot(path), places);
const digestOf = (name: string) => readSnapshot(join(root, `${name}.wsnap`)).digest ?? '';
const namesOf = ({ ancestors = [] }: StoredSnapshot) => ancestors.map(({ path }) => path);

async function isWhole(stored: StoredSnapshot): Promise<void> {
  expect((await readMemory(stored)).equals(contents[2])).toBe(true);
  expect(readSnapshotModule(stored, stored.snapshot.modules[0])).toEqual(Buffer.from(MODULE_BYTES));
}

test('beside it, by their names', async () => {
  const at = folder();
  const stored = await open(join(at, 'c.wsnap'));
  expect(namesOf(stored)).toEqual([join(at, 'b.wsnap'), join(at, 'a.wsnap')]);
  await isWhole(stored);
});

test('beside it, by what they are: renamed, or with the names exchanged', async () => {
  const at = folder();
  renameSync(join(at, 'a.wsnap'), join(at, 'x'));
  renameSync(join(at, 'b.wsnap'), join(at, 'a.wsnap'));
  const stored = await open(join(at, 'c.wsnap'));
  expect(namesOf(stored)).toEqual([join(at, 'a.wsnap'), join(at, 'x')]);
  await isWhole(stored);
});

test('in a folder that was given, and as files that were given', async () => {
  const at = folder();
  const away = join(at, 'away');
  mkdirSync(away);
  renameSync(join(at, 'a.wsnap'), join(away, 'a.wsnap'));
  renameSync(join(at, 'b.wsnap'), join(away, 'other'));
  await isWhole(await open(join(at, 'c.wsnap'), { search: [join(at, 'nowhere'), away] }));
  await isWhole(await open(join(at, 'c.wsnap'), { parents: [join(away, 'a.wsnap'), join(away, 'other')] }));
  await expect(open(join(at, 'c.wsnap'), { parents: [join(away, 'other')] })).rejects.toThrow(
    `missing (not in ${at}): give each with --parent FILE, or their folder with --search DIR\n` +
      `  a.wsnap (digest ${digestOf('a').slice(0, 16)}…)`,
  );
});

test('nothing is beside what came through a pipe', async () => {
  const at = folder();
  await expect(open(join(at, 'c.wsnap'), { beside: false })).rejects.toThrow(
    /2 files that are missing \(it came through a pipe\)/,
  );
  const given = ['a', 'b'].map((name) => join(at, `${name}.wsnap`));
  expect(namesOf(await open(join(at, 'c.wsnap'), { beside: false, parents: given }))).toEqual([given[1], given[0]]);
});

test('one that is missing is an error that names it, and so is one that has changed', async () => {
  const at = folder();
  rmSync(join(at, 'a.wsnap'));
  const missing = () => open(join(at, 'c.wsnap'));
  await expect(missing()).rejects.toThrow(InputError);
  await expect(missing()).rejects.toThrow(
    /c\.wsnap: it is a difference to a file that is missing .*\n {2}a\.wsnap \(digest /,
  );
  // Another one by the same name, with other bytes in its header.
  copyFileSync(join(at, 'b.wsnap'), join(at, 'a.wsnap'));
  await expect(missing()).rejects.toThrow(
    new RegExp(
      `missing .*\\n  a\\.wsnap .*: ${at}/a\\.wsnap is another snapshot \\(digest ${digestOf('b').slice(0, 16)}`,
    ),
  );
  // Cut off.
  const whole = readFileSync(join(root, 'a.wsnap'));
  writeFileSync(join(at, 'a.wsnap'), whole.subarray(0, whole.length - 1));
  await expect(missing()).rejects.toThrow(
    new RegExp(`missing .*\\n  a\\.wsnap .*: ${at}/a\\.wsnap: .*its header does not end the file`),
  );
});

test('a file that was given and is none of its chain is a mistake', async () => {
  const at = folder();
  const c = join(at, 'c.wsnap');
  await expect(open(join(at, 'b.wsnap'), { parents: [c] })).rejects.toThrow(
    /c\.wsnap: is no parent of .*b\.wsnap: it needs a\.wsnap/,
  );
  await expect(open(join(at, 'a.wsnap'), { parents: [c] })).rejects.toThrow(/it has no parent/);
  await expect(open(c, { parents: [join(at, 'none')] })).rejects.toThrow(/none: no such file/);
  await expect(open(c, { parents: [at] })).rejects.toThrow(/not a regular file/);
  writeFileSync(join(at, 'text'), 'text');
  await expect(open(c, { parents: [join(at, 'text')] })).rejects.toThrow(/text: not a snapshot/);
});

test('a parent that pages are not needed of may be gone', async () => {
  const at = folder();
  await writeGeneration(join(at, 'd.wsnap'), contents[1], await open(join(at, 'c.wsnap')));
  rmSync(join(at, 'c.wsnap'));
  const stored = await open(join(at, 'd.wsnap'));
  expect(stored.snapshot.parent).toBe(digestOf('c'));
  expect(namesOf(stored)).toEqual([join(at, 'b.wsnap'), join(at, 'a.wsnap')]);
});

test('what a header says to be in a parent lies in its data', async () => {
  const at = folder();
  const stored = readSnapshot(join(at, 'b.wsnap'));
  const [instance] = stored.snapshot.instances;
  const forged = (fileOffset: number): StoredSnapshot => {
    const memories = [
      {
        ...instance.memories[0],
        extents: [{ offset: 0, fileOffset, bytes: 4096, file: 1 }],
        blocks: Uint16Array.of(1),
      },
    ];
    return { ...stored, snapshot: { ...stored.snapshot, instances: [{ ...instance, memories }] } };
  };
  const end = Number(readFileSync(join(at, 'a.wsnap')).readBigUInt64LE(16));
  expect((await locateAncestors(forged(end - 4096))).ancestors).toHaveLength(1);
  await expect(locateAncestors(forged(end))).rejects.toThrow(
    /instances\[0\]\.memories\[0\]: goes beyond the data of .*a\.wsnap/,
  );
  await expect(locateAncestors(forged(0))).rejects.toThrow(/goes beyond/);
  const modules = [{ ...stored.snapshot.modules[0], fileOffset: end - 4, file: 1 }];
  await expect(locateAncestors({ ...stored, snapshot: { ...stored.snapshot, modules } })).rejects.toThrow(
    /modules\[0\]: goes/,
  );
});

test('one that is replaced after it was found is not read', async () => {
  const at = folder();
  const stored = await open(join(at, 'b.wsnap'));
  copyFileSync(join(at, 'c.wsnap'), join(at, 'a.wsnap'));
  const files = new ChainFiles(stored);
  expect(() => files.file(1)).toThrow(/a\.wsnap: was replaced while it was being read/);
  files.close();
});
