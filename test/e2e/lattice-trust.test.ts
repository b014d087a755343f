/** Nodes that believe only what some keys have signed, and keep snapshots that nobody else can read. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command.js';
import { commandComponent, MAIN } from '../support/command-component.js';
import { hasNats, NO_NATS, PATIENT, TestLattice } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const printer = join(import.meta.dirname, 'lattice-printer.wat');
const folder = temporaryFolder();
const world = new TestLattice(folder);

/** A component's main module that runs until it is ended. */
const SPINS = MAIN.replace('(func (export "_start")', '(func (export "_start") (loop (br 0))');

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

/** The contents of all files below a folder. */
function contents(path: string): Buffer[] {
  return readdirSync(path, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [readFileSync(join(entry.parentPath, entry.name))] : [],
  );
}

describe.skipIf(!hasNats)('nodes with keys', () => {
  beforeAll(() => world.start());
  afterAll(() => world.close());

  test('what runs is not signed, so it moves by a snapshot, which is signed and encrypted', async () => {
    const [signing, identity] = [join(folder, 'signing.pem'), join(folder, 'identity.txt')];
    const signer = (await command(cli, ['keys', '--signing', signing])).stdout.trim();
    const recipient = (await command(cli, ['keys', '--identity', identity])).stdout.trim();
    const trust = ['--verify-key', signer, '--identity', identity];
    for (const name of ['a', 'b']) {
      await world.node(name, [...PATIENT, '--sign-key', signing, '--encrypt-to', recipient, ...trust]);
    }
    await world.lattice.submit(counter, { name: 'kept', snapshotEvery: 300 });
    const { node } = await world.running('kept', 0);
    const other = node === 'a' ? 'b' : 'a';
    await world.until(async (lattice) => (await lattice.job('kept')).snapshot);
    await world.lattice.move('kept', other);
    await world.until(async (lattice) => (await lattice.job('kept')).node === other);
    const { history } = await world.lattice.job('kept');
    expect(history.at(-1)).toMatchObject({ what: 'moved', node: other });
    expect(history.at(-1)?.note).toMatch(
      /^by a snapshot: .*the running program of the job "kept": is not signed, and must be signed by one of the keys/s,
    );
    await world.running('kept', 1);
    const files = contents(join(folder, 'store'));
    expect(files.length).toBeGreaterThan(0);
    expect(files.some((bytes) => bytes.includes('line 0000'))).toBe(false);
  });

  test('a node with a policy begins only what it allows, and jobs says so', async () => {
    const { module } = await world.lattice.job('kept');
    const policy = join(folder, 'policy.json');
    writeFileSync(policy, JSON.stringify({ rules: [{ modules: [module.slice('sha256:'.length)] }] }));
    const careful = { labels: { careful: 'yes' } };
    await world.node('careful', [...PATIENT, '--label', 'careful=yes', '--policy', policy]);
    await world.lattice.submit(printer, { name: 'unknown', ...careful });
    await world.until(async (lattice) =>
      (await lattice.job('unknown')).problems
        .find(({ node }) => node === 'careful')
        ?.problems.some((why) => why.includes(`${policy} has no rule that fits it`)),
    );
    await world.lattice.submit(counter, { name: 'known', ...careful });
    await world.running('known', 0);
    expect((await world.lattice.job('unknown')).end).toBeNull();
  });

  test('a component begins, and is captured, by the sha256 of the module made from it', async () => {
    const component = join(folder, 'component.wasm');
    writeFileSync(component, await commandComponent({ main: SPINS }));
    const node = async (name: string, module: string) => {
      const policy = join(folder, `${name}.json`);
      writeFileSync(policy, JSON.stringify({ rules: [{ modules: [module] }] }));
      await world.node(name, [...PATIENT, '--label', 'components=yes', '--policy', policy]);
    };
    await world.lattice.submit(component, { name: 'spins', labels: { components: 'yes' }, snapshotEvery: 300 });
    await node('refuses', (await world.lattice.job('spins')).module.slice('sha256:'.length));
    const made = await world.until(async (lattice) => {
      const { problems } = await lattice.job('spins');
      return problems.flatMap(
        ({ problems }) => /the module ([0-9a-f]{64}): .*no rule/.exec(problems.join(' ')) ?? [],
      )[1];
    });
    await node('allows', made);
    await world.until(async (lattice) => {
      const { node, snapshot } = await lattice.job('spins');
      return node === 'allows' && snapshot !== null;
    });
  });
});
