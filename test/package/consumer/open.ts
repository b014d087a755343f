/**
 * Reads the contents of a snapshot, a module and an image through the library. Argument: the folder of stored
 * snapshots.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  type Frame,
  type Image,
  InputError,
  inspect,
  open,
  openImage,
  openSnapshot,
  type Snapshot,
  UsageError,
  type Value,
} from 'wag-snap';

const [folder = ''] = process.argv.slice(2);
const path = join(folder, 'x64/everything.wsnap');

{
  using snapshot: Snapshot = await openSnapshot(path);
  assert.equal(snapshot.kind, 'snapshot');
  assert.equal(snapshot.source.arch, 'x64');
  const [frame]: Iterable<Frame> = snapshot.frames;
  assert.ok(frame !== undefined && frame.locals.length >= 0);
  assert.equal(snapshot.frames.at(-1)?.kind, snapshot.frames.length > 1 ? 'call' : frame.kind);
  assert.equal(snapshot.frames.at(snapshot.frames.length), undefined);
  const values: (Value | undefined)[] = [...snapshot.frames].flatMap(({ locals, operands }) => [
    ...locals.map(({ value }) => value),
    ...operands,
  ]);
  for (const value of values) if (value?.type === 'i64') assert.equal(typeof value.value, 'bigint');
  assert.equal((await inspect(path)).kind, 'snapshot');
}
{
  const snapshot = await open(path);
  assert.ok(snapshot.kind === 'snapshot');
  const memory = snapshot.memory();
  snapshot.close();
  snapshot.close();
  await assert.rejects(memory.read(0, 1), UsageError);
  assert.throws(() => snapshot.describe(), UsageError);
}
await assert.rejects(openSnapshot(join(folder, 'x64/screens.txt')), (error: unknown) => {
  assert.ok(error instanceof InputError);
  assert.equal(error.code, 'wrong-kind');
  return true;
});
{
  using image: Image = await openImage(join(folder, 'x64/quicksort.image'));
  assert.equal(image.arch, 'x64');
  assert.equal((await image.describe()).kind, 'image');
}
