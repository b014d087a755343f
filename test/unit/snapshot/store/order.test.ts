/** Which generation is the newest, whatever clocks say. */

import { describe, expect, test } from 'vitest';
import { openStore } from '../../../../src/api/store.js';
import { laterThan } from '../../../../src/snapshot/store/facts.js';
import { FIRST, folder, NEWEST, store, titles } from './sample-store.js';

describe('clocks', () => {
  /** As a capture adds them. */
  const capture = async (file: string) => {
    const ingest = store['store'].ingest();
    await ingest.copy(file, 'x');
    const added = await store['store'].add(ingest, 'x', { name: 'job', tag: undefined }, { order: 'newest' });
    ingest.close();
    return added;
  };

  test('that are set back: the snapshot that was taken last is the newest, and stays', async () => {
    await store.import(NEWEST, 'job');
    const { facts } = await capture(FIRST);
    expect(facts.order.getTime()).toBeGreaterThan(facts.created.getTime());
    expect(titles()).toEqual(['job:1', 'job:2']);
    expect(store.find('job').generation.tag).toBe('2');
    await store.compact('job:1');
    expect(store.find('job').generation.tag).toBe('2');
    await store.prune({ keep: 1 });
    expect(titles()).toEqual(['job:2']);
    expect((await openStore(folder)).find('job').generation.facts).toEqual(facts);
  });

  test('that are wrong by ages: the time stays one that can be read', async () => {
    const facts = { ...(await capture(FIRST)).facts };
    expect(laterThan({ ...facts, order: new Date(8.64e15) }, []).getTime()).toBe(
      Date.UTC(9999, 11, 31, 23, 59, 59, 999),
    );
  });
});
