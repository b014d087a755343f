/**
 * What a capture into a store writes: a difference to the newest generation, or a whole snapshot, and what a policy says
 * to it before the program ends. The programs are memories of this process.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Capturable, CaptureOptions } from '../../../src/api/capture.js';
import { ownIdentity, ownSigningKey } from '../../../src/api/keys.js';
import { readForm } from '../../../src/api/seal-options.js';
import { createStore, type Store, type StoreCaptureOptions } from '../../../src/api/store.js';
import { openSnapshot, placesFor } from '../../../src/api/stored-snapshot.js';
import { Ingest } from '../../../src/snapshot/store/ingest.js';
import { SnapshotStore } from '../../../src/snapshot/store/store.js';
import { readMemory, writeGeneration } from '../snapshot/chain-sample.js';
import { MODULE_BYTES } from '../snapshot/sample.js';

const PAGE = 65536;
const all = mkdtempSync(join(tmpdir(), 'wag-snap-next-'));
afterAll(() => rmSync(all, { recursive: true }));
const at = (name: string) => join(all, name);

const recipients: string[] = [];
let signer = '';
beforeAll(async () => {
  for (const name of ['a', 'b']) recipients.push((await ownIdentity(at(name))).publicKey);
  signer = (await ownSigningKey(at('key.pem'))).publicKey;
});

let store: Store;
beforeEach(async () => {
  store = await createStore(join(mkdtempSync(at('case-')), 'store'));
});

/** A program with a memory. It ends when it is captured for that. */
class Program implements Capturable {
  isCaptured = false;
  hasEnded = false;

  constructor(readonly memory: Buffer) {}

  async capture(options: CaptureOptions) {
    this.isCaptured = true;
    const { to, parent, onDurable, kill, identities } = options;
    if (typeof parent === 'string') throw new Error('a store reads the parent itself');
    await writeGeneration(to, this.memory, parent?.stored, undefined, undefined, await readForm(options));
    const stored = await openSnapshot(to, await placesFor({ identities })).catch(() => undefined);
    const ancestors = stored === undefined ? parent?.files : stored.ancestors?.map(({ path }) => path);
    await onDurable?.({ created: new Date(), module: MODULE, ancestors: ancestors ?? [] });
    this.hasEnded = kill ?? false;
    return {} as never;
  }
}
const MODULE = createHash('sha256').update(MODULE_BYTES).digest('hex');

/** Full of numbers. */
function filled(pages: number): Buffer {
  const memory = Buffer.alloc(pages * PAGE);
  for (let i = 0; i < memory.length; i += 4) memory.writeUInt32LE(i ^ 0x5a5a5a5a, i);
  return memory;
}

const warnings: string[] = [];
beforeEach(() => {
  warnings.length = 0;
});
const take = async (program: Program, options: StoreCaptureOptions = {}) =>
  (await store.capture(program, 'job', { onWarning: (text) => warnings.push(text), ...options })).generation;
const isWhole = (tag: string) => store.find(`job:${tag}`).parents.length === 0;

describe('for recipients', () => {
  const [mine, yours] = ['a', 'b'].map((name) => ({ identities: [at(name)] }));

  async function reads(tag: string, options: { identities: string[] }): Promise<Buffer> {
    const { path, parents } = store.find(`job:${tag}`);
    return readMemory(await openSnapshot(path, await placesFor({ ...options, parents })));
  }

  test('what each of them cannot read is no parent, and the user is told', async () => {
    const program = new Program(filled(4));
    const [a, b] = recipients;
    for (const encryptTo of [[a, b], [a], [a, b], [b]]) {
      program.memory[5]++;
      await take(program, { encryptTo, ...mine });
    }
    expect(['1', '2', '3', '4'].map(isWhole)).toEqual([true, false, true, false]);
    expect(warnings).toEqual([
      expect.stringContaining(`: cannot be read by ${b}: the whole snapshot is written, not what differs from it`),
    ]);
    const memory = Buffer.from(program.memory);
    expect((await reads('4', yours)).equals(memory)).toBe(true);
    memory[5]--;
    for (const who of [mine, yours]) expect((await reads('3', who)).equals(memory)).toBe(true);
    await expect(reads('2', yours)).rejects.toMatchObject({ code: 'wrong-identity' });
    expect((await store.verify()).wrong).toEqual([]);
  });

  test('a plain one after an encrypted one is whole: everybody can read it', async () => {
    const program = new Program(filled(4));
    await take(program, { encryptTo: [recipients[0]], ...mine });
    program.memory[5]++;
    await take(program, mine);
    await take(program, mine);
    expect(['1', '2', '3'].map(isWhole)).toEqual([true, true, false]);
    expect((await reads('3', { identities: [] })).equals(program.memory)).toBe(true);
    expect(warnings).toEqual([]);
  });
});

test('one that another tool removes just now is no parent', async () => {
  const program = new Program(filled(4));
  await take(program);
  const keep = vi.spyOn(Ingest.prototype, 'keep').mockImplementationOnce(async function (this: Ingest, digest) {
    await store.remove(['job']);
    keep.mockRestore();
    return this.keep(digest);
  });
  const { tag } = await take(program);
  expect([isWhole(tag), warnings]).toEqual([true, []]);
  expect((await store.verify()).wrong).toEqual([]);
});

describe('after many changes', () => {
  const bytes = () => {
    const folder = join(store.folder, 'blobs/sha256');
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).blocks * 512, 0);
  };

  async function capture12(keep: number | undefined): Promise<string[]> {
    const program = new Program(filled(16));
    const whole: string[] = [];
    for (let n = 0; n < 12; n++) {
      program.memory.fill(n + 1, n * PAGE); // so each generation has a page that is needed, and others that are not
      const { tag } = await take(program);
      if (isWhole(tag)) whole.push(tag);
      if (keep !== undefined) await store.prune({ keep });
    }
    const { path, parents } = store.find('job');
    expect((await readMemory(await openSnapshot(path, { parents }))).equals(program.memory)).toBe(true);
    return whole;
  }

  test('a chain that is mostly dead is given up, where nothing else needs it', async () => {
    const whole = await capture12(1);
    expect(whole.length).toBeGreaterThan(1);
    expect(bytes()).toBeLessThan(3 * 16 * PAGE);
  });

  test('what other generations need is not dead', async () => {
    expect(await capture12(undefined)).toEqual(['1']);
  });

  test('whose files they are is not asked when nearly all of them is needed', async () => {
    const asked = vi.spyOn(SnapshotStore.prototype, 'unowned');
    const program = new Program(filled(16));
    for (let n = 0; n < 4; n++) {
      program.memory[n]++;
      await take(program);
    }
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
  });
});

describe('in the place of one that is sealed', () => {
  test.each(['signed', 'encrypted'] as const)(
    '%s: a plain one is refused before anything is captured',
    async (what) => {
      const form = what === 'signed' ? { signKey: at('key.pem') } : { encryptTo: [recipients[0]] };
      await store.capture(new Program(filled(1)), 'job:1', form);
      const program = new Program(filled(1));
      const refused = {
        code: 'sealed',
        message: expect.stringContaining(`job:1: is ${what}, and what would replace it`),
      };
      await expect(store.capture(program, 'job:1', { kill: true })).rejects.toMatchObject(refused);
      expect([program.isCaptured, program.hasEnded]).toEqual([false, false]);
      await store.capture(program, 'job:1', { ...form, kill: true });
      expect(program.hasEnded).toBe(true);
      expect((await store.capture(new Program(filled(1)), 'job', {})).generation.tag).toBe('2'); // beside it
    },
  );
});

describe('a policy', () => {
  const policy = (...rules: object[]) => {
    writeFileSync(at('policy.json'), JSON.stringify({ rules }));
    return { policy: at('policy.json') };
  };
  const refused = (text: string) => ({ code: 'untrusted', message: expect.stringContaining(text) });

  test('refuses what it would not believe later, before anything is captured', async () => {
    const program = new Program(filled(1));
    const signed = () => policy({ names: ['jo*'], signedBy: [signer] });
    const sealed = { encryptTo: [recipients[0]], kill: true };
    for (const options of [{ kill: true }, sealed]) {
      const taken = take(program, { ...options, ...signed() });
      await expect(taken).rejects.toMatchObject(
        refused('job: would not be signed, and must be signed by a key of rule 1'),
      );
    }
    const encrypted = policy({ encrypted: true });
    await expect(take(program, encrypted)).rejects.toMatchObject(refused('job: would not be encrypted, and'));
    const others = policy({ names: ['web'] });
    await expect(take(program, others)).rejects.toMatchObject(refused('has no rule that fits it'));
    expect([program.isCaptured, program.hasEnded]).toEqual([false, false]);
    await take(program, { ...sealed, signKey: at('key.pem'), ...signed() });
    expect(program.hasEnded).toBe(true);
  });

  test('that decides by the module refuses before the program ends', async () => {
    const program = new Program(filled(1));
    const rules = policy({ modules: ['1'.repeat(64)] }, { modules: [MODULE], signedBy: [signer] });
    const options = { encryptTo: [recipients[0]], kill: true, ...rules };
    await expect(take(program, options)).rejects.toMatchObject(refused('job: would not be signed, and must be'));
    expect([program.isCaptured, program.hasEnded]).toEqual([true, false]);
    expect(store.list()).toEqual([]);
  });
});
