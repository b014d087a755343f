/** The store: what is kept, found and removed, in which order, and by which tool. */

import type { Area } from '../mutant.js';

const STORE = ['test/unit/snapshot/store/store.test.ts'];

export const store: Area = {
  name: 'store',
  files: [
    {
      file: 'src/snapshot/store/store.ts',
      tests: STORE,
      changes: [
        ['if (!this.blobs.has(layer)) throw', 'if (false) throw'],
        ['for (const layer of layers) ingest.deliver(layer);', ''],
        ['this.index.replace(withEntry(index, entry));', ''],
        ['one.annotations?.[REFERENCE] !== reference', 'true'],
        ['Math.max(0, ...numbers', 'Math.min(0, ...numbers'],
        ['one.created >= newest.created', 'one.created > newest.created'],
        ['if (!dryRun && gone.size > 0) this.index.replace(next);', ''],
        ['collectGarbage(next, this.blobs, dryRun)', 'collectGarbage(next, this.blobs)'],
        ['collectGarbage(next, this.blobs, dryRun)', 'collectGarbage(index, this.blobs, dryRun)'],
        ['if (digest !== blob.digest) wrong.push', 'if (false) wrong.push'],
        ['compare(a.name, b.name) ||', ''],
      ],
    },
    {
      file: 'src/snapshot/store/garbage.ts',
      tests: STORE,
      changes: [
        ['!kept.has(digest)', 'kept.has(digest)'],
        ['documents.push(...nested(text));', ''],
        ['for (const [digest] of text.matchAll(DIGEST)) found.add(digest);', ''],
        ['if (!dryRun) blobs.remove(digest);', 'blobs.remove(digest);'],
      ],
    },
    {
      file: 'src/snapshot/store/lock.ts',
      tests: STORE,
      changes: [
        ['owner !== undefined && isLeftOver(join(lock, owner))', 'owner !== undefined'],
        ['isLeftOver(join(lock, owner))', 'false'],
        ['    give(store, name);', ''],
      ],
    },
    {
      file: 'src/snapshot/store/ingest.ts',
      tests: STORE,
      changes: [
        ['linkSync(path, own);', ''],
        ['if (this.files.has(digest)) return own;', ''],
        ['    removeTemporary(this.folder);', ''],
      ],
    },
    {
      file: 'src/snapshot/store/blobs.ts',
      tests: STORE,
      changes: [
        ['&& stat.size === size', ''],
        ['if (digest === `sha256:${found}`) return', 'return'],
        ['path.startsWith(`${this.folder}/`) && HEX', 'HEX'],
      ],
      equivalent: [],
    },
    {
      file: 'src/api/store.ts',
      tests: STORE,
      changes: [
        ['[...all].reverse()', '[...all]'],
        ['before < keep ||', ''],
        ['now - facts.created.getTime() > olderThan', 'now - facts.created.getTime() < olderThan'],
        ['!names.includes(name)', 'names.includes(name)'],
        ['(reference.tag === undefined || tag === reference.tag)', 'true'],
      ],
    },
  ],
};
