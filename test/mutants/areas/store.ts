/** The store: what is kept, found and removed, in which order, and by which tool. */

import type { Area } from '../mutant.js';

const of = (...names: string[]) => names.map((name) => `test/unit/snapshot/store/${name}.test.ts`);
const ADDED = of('generation', 'removal', 'order', 'several-tools', 'damage');
const NEXT = ['test/unit/api/next-generation.test.ts'];

export const store: Area = {
  name: 'store',
  files: [
    {
      file: 'src/snapshot/store/verify-entries.ts',
      tests: of('damage', 'other-tools'),
      changes: [
        ['mayBeForeign ? entries.filter((entry) => !isForeign(blobs, entry)) : entries', 'entries'],
        ['digest === blob.digest ? undefined', 'true ? undefined'],
        ['else known.by.push(entry);', ''],
        ['still.has(identityOf(entry))', 'true'],
      ],
    },
    {
      file: 'src/snapshot/store/dead-bytes.ts',
      tests: NEXT,
      changes: [
        ['isUnowned[i])) > live', 'isUnowned[i])) > Infinity'],
        ['unused.filter((_, i) => isUnowned[i])', 'unused'],
        ['if (sumOf(unused) <= live) return false;', ''],
      ],
    },
    {
      file: 'src/snapshot/readers.ts',
      tests: ['test/unit/snapshot/readers.test.ts'],
      changes: [
        ['!readers.includes(one)', 'false'],
        ['recipients.filter((one) => parents.includes(one))', 'recipients'],
        ['parents && recipients', 'recipients'],
      ],
    },
    {
      file: 'src/api/next-generation.ts',
      tests: NEXT,
      changes: [
        ['if (isSecret !== facts.encrypted) return undefined;', ''],
        ['checkSubject(opener.trust, seal, { stored: name, module }, title);', ''],
        [
          '  store.checkReplacing(target, { isEncrypted: seal.isEncrypted, isSigned: seal.signer !== undefined });\n',
          '',
        ],
      ],
    },
    {
      file: 'src/snapshot/trust/policy.ts',
      tests: ['test/unit/snapshot/policy.test.ts'],
      changes: [
        ['stored ?? (signedBy === undefined ? undefined : workload)', 'stored ?? workload'],
        ['stored ?? (signedBy === undefined ? undefined : workload)', 'workload ?? stored'],
        ['.slice(0, 1)', ''],
        ['named.slice(0, last + 1)', 'named'],
        ['if (encrypted && !seal.isEncrypted) throw', 'if (false) throw'],
        ['if (one.modules !== undefined || one.signedBy', 'if (one.signedBy'],
        ['if (one.modules !== undefined || one.signedBy === undefined) return;', 'return;'],
      ],
    },
    {
      file: 'src/snapshot/belief.ts',
      tests: ['test/unit/api/signed-pages.test.ts'],
      changes: [['if (!stored.mustBeSigned) return;', 'return;']],
    },
    {
      file: 'src/snapshot/store/read-stored.ts',
      tests: ['test/unit/api/signed-pages.test.ts'],
      changes: [['if (!isNew) await believe(stored);', '']],
    },
    {
      file: 'src/snapshot/store/store.ts',
      tests: [...ADDED, ...of('left-overs')],
      changes: [
        ['if (!this.blobs.has(layer)) throw', 'if (false) throw'],
        ['for (const layer of layers) ingest.deliver(layer);', ''],
        ['this.index.replace(withEntry(index, entry));', ''],
        ['one.order >= newest.order', 'one.order > newest.order'],
        ['if (isForeign(this.blobs, replaced))', 'if (false)', { tests: of('other-tools') }],
        ["order === 'newest' ? laterThan(facts, before) : order", 'facts.order'],
        ['if (error instanceof InputError) return undefined;', '', { tests: of('other-tools') }],
        ['dryRun ? 0 : removeLeftOvers(this.folder, this.blobs)', '0'],
        ['if (!dryRun && gone.size > 0) this.index.shrink(next);', ''],
        ['      this.index.keepRoom(next);\n', '', { tests: of('full-disk') }],
        ['collectGarbage(kept, before, this.blobs, dryRun)', 'collectGarbage(kept, before, this.blobs)'],
        ['collectGarbage(kept, before, this.blobs, dryRun)', 'collectGarbage(before, before, this.blobs, dryRun)'],
        ['compare(a.name, b.name) ||', ''],
      ],
    },
    {
      file: 'src/api/store.ts',
      tests: of('damaged-import'),
      changes: [['if (!copy.mustBeSigned) await verifySnapshot(', 'if (copy.mustBeSigned) await verifySnapshot(']],
    },
    {
      file: 'src/snapshot/store/facts.ts',
      tests: of('facts'),
      changes: [['snapshot.modules[snapshot.modules.length - 1]', 'snapshot.modules[0]']],
    },
    {
      file: 'src/snapshot/store/left-overs.ts',
      tests: of('left-overs'),
      changes: [
        ['    new Parts(store).removeOld(),\n', ''],
        ['    blobs.removeLeftOvers(),\n', ''],
        ["    removeStale(store, '.wag-snap-', 'folders'), // of the lock\n", ''],
      ],
    },
    {
      file: 'src/snapshot/store/spare.ts',
      tests: of('full-disk'),
      changes: [
        ['if (size >= bytes + BESIDES) return;', ''],
        ['if (size >= bytes + BESIDES) return;', 'if (size > 0) return;'],
        ['!isDiskFull(error) || !this.giveUp()', 'true'],
        ['!isDiskFull(error) || !this.giveUp()', '!this.giveUp()'],
        ['    return change().catch((error) => {\n      throw withAdvice(error);\n    });', '    return change();'],
      ],
    },
    {
      file: 'src/snapshot/store/replaced-seal.ts',
      tests: of('rewritten'),
      changes: [
        ['before.isEncrypted && !after.isEncrypted', 'false'],
        ['before.isSigned && !after.isSigned', 'false'],
        ['!== undefined;\n  } catch', '=== undefined;\n  } catch'],
      ],
      equivalent: [
        ['if (error instanceof InputError) return false;', '', 'then the store asks the index, which says the same'],
      ],
    },
    {
      file: 'src/api/held-generation.ts',
      tests: of('held'),
      changes: [
        ["error.code === 'not-found' && manifest !== before", 'false'],
        ["error.code === 'not-found' && manifest !== before", "error.code === 'not-found'", { slow: true }],
        ['const paths = [path, ...parents];', 'const paths = [path];'],
      ],
    },
    {
      file: 'src/snapshot/store/linked-files.ts',
      tests: of('held'),
      changes: [
        ['      for (const path of paths) linked.add(path);\n', ''],
        ['this.links.get(file.path) ?? file.path', 'file.path'],
        ['    nameTemporary(link, path);\n', ''],
        ['ancestors.map(linked)', 'ancestors'],
        ['      linked?.close();\n', ''],
      ],
    },
    {
      file: 'src/api/unpacked-files.ts',
      tests: ['test/e2e/unpacked.test.ts'],
      only: 'another tool removes',
      changes: [['opened: heldPath(path)', 'opened: path']],
    },
    {
      file: 'src/snapshot/packing/extent-hashes.ts',
      tests: ['test/unit/snapshot/extent-hashes.test.ts'],
      changes: [
        ['    this.end += this.lengths.reduce((sum, length) => sum + length, 0);\n', ''],
        ['    this.flush();\n    while', '    while'],
        ['this.batches.slice(this.hashed.length)', 'this.batches.slice(0, 0)'],
        [' && !this.hasEnded', '', { slow: true }],
      ],
    },
    {
      file: 'src/snapshot/packing/packer.ts',
      tests: ['test/unit/snapshot/extent-hashes.test.ts'],
      changes: [['    this.apart?.add(length);\n', '']],
    },
    {
      file: 'src/snapshot/held-files.ts',
      tests: of('held'),
      changes: [
        ['filter((one) => one !== fd)', 'filter(() => false)'],
        ['      this.close();\n', ''],
        ['fd === undefined ? path : pathOfDescriptor(fd)', 'path'],
        ['        closeSync(fd);\n', ''],
      ],
    },
    {
      file: 'src/snapshot/store/garbage.ts',
      tests: of('removal', 'other-tools'),
      changes: [
        ['!kept.has(digest) &&', 'kept.has(digest) &&'],
        ['(before.has(digest) || !blobs.mayBeForeign(digest))', 'true'],
        ['title !== undefined && readFacts(document.annotations) !== undefined', 'false'],
        ['documents.push(...nested(text));', ''],
        ['for (const [digest] of text.matchAll(DIGEST)) found.add(digest);', ''],
        ['if (!dryRun) blobs.remove(digest);', 'blobs.remove(digest);'],
      ],
    },
    {
      file: 'src/snapshot/store/lock.ts',
      tests: of('several-tools', 'left-overs'),
      changes: [
        ['left.has(owner) || isAbandoned(join(lock, owner), join(own, name))', 'true'],
        ["if (state !== 'unknown') return state === 'ended';", "if (state !== 'unknown') return false;"],
        ['statSync(ours).mtimeMs - lstatSync(path).mtimeMs > SILENCE', 'false'],
        ['if (!existsSync(path)) throw busy(store);', ''],
        [
          '    clearInterval(alive);\n    if (!remove(path)) left.add(name);',
          '    clearInterval(alive);',
          { slow: true },
        ],
      ],
    },
    {
      file: 'src/snapshot/store/ingest.ts',
      tests: [...ADDED, ...of('copies')],
      changes: [
        ['linkSync(path, own);', ''],
        ['if (!existsSync(path)) throw', 'if (false) throw'],
        ['if (this.files.has(digest)) return own;', ''],
        ['    nameTemporary(path, from);\n', ''],
        ['throw writeFailure(this.store, error);', 'throw writeFailure(path, error);'],
        ['    removeTemporary(this.folder);', ''],
      ],
    },
    {
      file: 'src/snapshot/store/blobs.ts',
      tests: [...ADDED, ...of('other-tools')],
      changes: [
        ['&& stat.size === size', ''],
        ['if (found === hex) return', 'return'],
        ['Date.now() - stat.mtimeMs > DAY', 'false'],
        ["!text.startsWith(MAGIC) && !text.includes('wag-snap.')", 'true'],
        ['HALF_WRITTEN.test(name)', "name.endsWith('.tmp')"],
        ['path.startsWith(`${this.folder}/`) && HEX', 'HEX'],
      ],
      equivalent: [],
    },
    {
      file: 'src/api/store.ts',
      tests: [...ADDED, ...of('held')],
      changes: [
        ['[...all].reverse()', '[...all]'],
        ['      this.expect(all, wanted);\n', ''],
        ['    this.expect(all, references);\n', ''],
        ['before < keep ||', ''],
        ['now - facts.created.getTime() > olderThan', 'now - facts.created.getTime() < olderThan'],
        ['names.length > 0 && !names.includes(name)', '!names.includes(name)'],
        ['names.length > 0 && !names.includes(name)', 'names.length > 0 && names.includes(name)'],
        ['(reference.tag === undefined || tag === reference.tag)', 'true'],
      ],
    },
    {
      file: 'src/snapshot/store/index-file.ts',
      tests: ADDED,
      changes: [
        ['one.annotations?.[REFERENCE] !== reference', 'true'],
        ['if (last < NUMBER_MAX) return last + 1;', 'return last + 1;'],
        ['tagNumber(tag) || 0', 'tag.length'],
        ['    this.spare.keepFor(bytes.length);\n', '', { tests: of('full-disk') }],
        ['if (!isSha256(descriptor.digest)) continue;', '', { open: true }],
      ],
    },
    {
      file: 'bin/programs/snapshot-attendant.ts',
      tests: ['test/e2e/triggers.test.ts'],
      slow: true,
      changes: [
        ["return this.atSignal === 'is captured already';", 'return false;'],
        ["this.atSignal = 'is passed on';", ''],
        ['...ignoring(settings.on)', '...{}'],
        ['    Triggers.check(settings);\n', ''],
      ],
    },
    {
      file: 'bin/programs/workload.ts',
      tests: ['test/e2e/triggers.test.ts'],
      slow: true,
      changes: [["else if (child.kill('SIGKILL')) endedBy ??= signal;", 'else child.kill(signal);']],
    },
    {
      file: 'src/restore/restore.ts',
      tests: ['test/unit/restore/removed-files.test.ts'],
      changes: [
        ['    files.openAll(); // the compilation takes long, and somebody may remove them meanwhile\n', ''],
        ['{ ...options, files }', 'options'],
      ],
    },
    {
      file: 'src/snapshot/store/facts.ts',
      tests: of('order'),
      changes: [
        ['known[ORDER] ?? known[CREATED]', 'known[CREATED]'],
        ['Math.min(latest, LAST_TIME)', 'latest'],
        ['order.getTime() + 1', 'order.getTime()'],
      ],
    },
    {
      file: 'src/snapshot/store/sparse-copy.ts',
      tests: of('copies'),
      changes: [
        ["isCloned ? 'r+' : 'wx', 0o600", "isCloned ? 'r+' : 'wx', 0o644"],
        ['fileOffset + start', 'fileOffset'],
        ['bytes.compare(ZEROS, 0, length, at, at + length) === 0', 'false'],
      ],
    },
    {
      file: 'src/snapshot/store/folders.ts',
      tests: ['test/faults/power.test.ts'],
      changes: [
        ['    syncFolder(at);', ''],
        ['return size > 0;', 'return size >= 0;', { tests: ADDED }],
        ["check(name, 'folder');", '', { tests: of('damage'), only: 'in the place of' }],
        ["for (const name of FILES) check(name, 'file');", '', { tests: of('damage'), only: 'in the place of' }],
      ],
    },
    {
      file: 'src/api/triggers.ts',
      tests: ['test/unit/api/triggers.test.ts', ...of('removal')],
      changes: [
        ['Number.isInteger(keep) && keep >= 1', 'Number.isInteger(keep)'],
        ['time > 0 && time <= LONGEST', 'time > 0'],
        ['if (keep !== undefined) await this.prune(keep);', ''],
      ],
    },
  ],
};
