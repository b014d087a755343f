/**
 * Components made by real tools of programs for preview 1: they do what the programs do, are captured in the middle and
 * continue on the other CPU. fixtures/components has their origin.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadInterfaces } from '../../src/api/interfaces.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { commandModule } from '../../src/wasm/component/command.js';
import { decodeComponent } from '../../src/wasm/component/decode.js';
import { instantiate } from '../../src/wasm/component/instantiate.js';
import { linkedProgram } from '../../src/wasm/component/native.js';
import { hopChains } from '../migrate/hop-chain.js';
import { command } from '../support/command.js';
import { commandComponent } from '../support/command-component.js';
import {
  type Built,
  build,
  canRun,
  captureAndEnd,
  programPath,
  restoreAndStart,
  temporaryFolder,
  Workload,
} from '../support/workload.js';

const folder = temporaryFolder();
const tool = resolve(import.meta.dirname, '../../bin/wag-snap');
const component = (name: string) => resolve(import.meta.dirname, '../../fixtures/components', `${name}.wasm`);
const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
const wagSnap = (...args: string[]) => command(tool, args, { cwd: folder, env });

/** The image of a component's program. */
const buildComponent = (bytes: Uint8Array, path: string, arch: ArchName) =>
  build(commandModule(bytes, 'component', loadInterfaces).bytes, path, { arch });

/** A component that ends with a code that components do not have. */
let exits: Uint8Array;
beforeAll(async () => {
  exits = await commandComponent();
  writeFileSync(join(folder, 'exits.wasm'), exits);
});

test('run and compile', async () => {
  mkdirSync(join(folder, 'files'));
  const args = ['--dir', 'files::.'];
  const expected = await wagSnap('run', ...args, programPath('fileio'), '300');
  expect(expected.stdout).toContain('fileio done');
  for (let i = 0; i < 2; i++) expect(await wagSnap('run', ...args, component('fileio'), '300')).toEqual(expected);
  expect(await wagSnap('compile', component('fileio'), '-o', 'image')).toMatchObject({ status: 0, stderr: '' });
  expect(await wagSnap('run', ...args, 'image', '300')).toEqual(expected);
});

test('the exit code says whether all went well, no more', async () => {
  expect(await wagSnap('run', 'exits.wasm')).toEqual({ status: 1, stdout: '', stderr: '' });
  expect((await wagSnap('compile', 'exits.wasm', '-o', 'exits')).status).toBe(0);
  expect((await wagSnap('run', './exits')).status).toBe(1);
});

test('run --verbose, --invoke', async () => {
  const { stderr } = await wagSnap('run', '-v', 'exits.wasm');
  expect(stderr).toMatch(/^import fd_close\(i32\) i32\nimport wag_snap.proc_exit_for_component\(i32\)\n/);
  expect((await wagSnap('run', '--invoke', '_start', 'exits.wasm')).status).toBe(1);
});

/** What wasmtime 50.0.1 has it print. */
const NATIVE = `sum 1055
dir .
DescriptorType::RegularFile 3 bytes
hi
["in.txt"]
([105, 116, 116, 101, 110], false)
Some(ErrorCode { code: 20, name: "no-entry", message: "No such file or directory, similar to \`ENOENT\` in POSIX." })
true
10 true
`;

test('a component that calls WASI 0.2 itself', async () => {
  mkdirSync(join(folder, 'native'));
  writeFileSync(join(folder, 'native/in.txt'), 'hi\n');
  writeFileSync(join(folder, 'input'), 'input text\n');
  const run = (words: string) => command('/bin/sh', ['-c', `"$0" run ${words} < input`, tool], { cwd: folder, env });
  const program = `--dir native::. --env A=b=c ${component('native')}`;
  const expected = { status: 0, stdout: `native ["in.txt"] [("A", "b=c")]\n${NATIVE}`, stderr: '' };
  for (let i = 0; i < 2; i++) expect(await run(`${program} in.txt`)).toEqual(expected);
  const { status, stdout } = await run(`${program} none`);
  expect([status, stdout.split('\n')[3]]).toEqual([1, expect.stringMatching(/code: 20, name: "no-entry"/)]);
  expect((await wagSnap('inspect', component('native'))).stdout).toContain('  runs        its core modules, linked\n');
});

test('an import that nothing provides', async () => {
  writeFileSync(join(folder, 'missing.wasm'), await commandComponent({ import: 'wasi:http/types@0.2.3' }));
  const refused = await wagSnap('run', 'missing.wasm');
  expect([refused.status, refused.stderr]).toEqual([
    3,
    expect.stringContaining('unknown import: wasi:http/types@0.2.3.exit (function (i32)) (--allow-missing-imports'),
  ]);
  // Its only call is the one of what is missing.
  for (let i = 0; i < 2; i++) {
    const { status, stderr } = await wagSnap('run', '--allow-missing-imports', 'missing.wasm');
    expect([status, stderr]).toEqual([134, expect.stringMatching(/^wasm trap: .*import/)]);
  }
  const embedded = await wagSnap('compile', '--host-imports', 'missing.wasm', '-o', 'none');
  expect(embedded.stderr).toContain("a component's import from the embedder (wasi:http/types@0.2.3 exit)");
  expect((await wagSnap('inspect', 'missing.wasm')).stdout).toContain('  missing     wasi:http/types@0.2.3 exit\n');
});

test('what cannot be compiled is said, with the file', async () => {
  writeFileSync(join(folder, 'other.wasm'), await commandComponent({ export: 'wasi:http/incoming-handler@0.2.3' }));
  for (const args of [
    ['run', 'other.wasm'],
    ['compile', 'other.wasm', '-o', 'other'],
  ]) {
    const { status, stdout, stderr } = await wagSnap(...args);
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/^wag-snap: other\.wasm: offset 0x0: not supported yet: .*wasi:http\/proxy@0\.2\.3; .*\n$/);
  }
});

test('inspect', async () => {
  const { stdout } = await wagSnap('inspect', component('fileio'));
  expect(stdout).toContain(
    '  world       wasi:cli/command@0.2.12\n  runs        core module 0\n  core module 0, main, 51037 bytes',
  );
  expect(stdout).toContain('  import      wasi:cli/exit@0.2.12: exit\n');
  expect(stdout).toContain('  export      wasi:cli/run@0.2.12: run\n');
  const facts = JSON.parse((await wagSnap('inspect', '--json', 'other.wasm')).stdout);
  expect(facts).toMatchObject({
    kind: 'component',
    world: 'wasi:http/proxy@0.2.3',
    main: null,
    imports: [{ name: 'wasi:cli/exit@0.2.0', kind: 'instance', functions: ['exit'] }],
    exports: [{ name: 'wasi:http/incoming-handler@0.2.3', kind: 'instance', functions: ['run'] }],
  });
  expect(facts.refused).toContain('not supported yet');
  expect(facts.coreModules).toHaveLength(4);
});

describe.each<[ArchName, ArchName]>([
  ['x64', 'arm64'],
  ['arm64', 'x64'],
])('from %s to %s', (from, to) => {
  const isHere = canRun(from) && canRun(to);

  test.skipIf(!isHere)('a component that waits for input', async () => {
    const bytes = readFileSync(component('readline'));
    const here = await buildComponent(bytes, join(folder, `readline-${from}`), from);
    const there = await buildComponent(bytes, join(folder, `readline-${from}-there`), to);
    const workload = Workload.start(here.path, { stdin: 'pipe' });
    workload.stdin.write('3 4\n');
    await workload.waitFor('readline 1 sum 7\n');
    const snapshot = join(folder, `readline-${from}.wsnap`);
    await captureAndEnd(workload, snapshot);
    const rest = await restoreAndStart(snapshot, there, join(folder, `readline-${from}-rest`), { stdin: 'pipe' });
    rest.stdin.end('5\n');
    expect(await rest.ended()).toEqual({
      stdout: 'readline 2 sum 12\nreadline end after 2 lines\n',
      stderr: '',
      code: 0,
    });
  });

  test.skipIf(!isHere)('a component that calls WASI 0.2 itself, in a read', async () => {
    const bytes = readFileSync(component('native'));
    const host = join(folder, `native-${from}`);
    mkdirSync(host);
    writeFileSync(join(host, 'in.txt'), 'hi\n');
    const dirs = [{ host, guest: '.', readOnly: false }];
    const here = await buildComponent(bytes, join(host, 'here'), from);
    const there = await buildComponent(bytes, join(host, 'there'), to);
    const workload = Workload.start(here.path, { stdin: 'pipe', dirs, args: ['in.txt'] });
    workload.stdin.write('input');
    await workload.waitFor('sum 560\n');
    const snapshot = join(host, 'it.wsnap');
    await captureAndEnd(workload, snapshot);
    const rest = await restoreAndStart(snapshot, there, join(host, 'rest'), { stdin: 'pipe', dirs });
    rest.stdin.end(' text\n');
    const { stdout, code } = await rest.ended();
    expect(code).toBe(0);
    expect(stdout.replace(/\[.*"in.txt".*\]/, '["in.txt"]')).toBe(NATIVE);
  });

  test.skipIf(!isHere)('a program for preview 1 by way of its adapter', async () => {
    const parts = decodeComponent(readFileSync(component('readline')), 'component');
    const { bytes } = linkedProgram(parts, instantiate(parts), loadInterfaces());
    const here = await build(bytes, join(folder, `linked-${from}`), { arch: from });
    const there = await build(bytes, join(folder, `linked-${from}-there`), { arch: to });
    const workload = Workload.start(here.path, { stdin: 'pipe' });
    workload.stdin.write('3 4\n');
    await workload.waitFor('readline 1 sum 7\n');
    const snapshot = join(folder, `linked-${from}.wsnap`);
    await captureAndEnd(workload, snapshot);
    const rest = await restoreAndStart(snapshot, there, join(folder, `linked-${from}-rest`), { stdin: 'pipe' });
    rest.stdin.end('5\n');
    expect(await rest.ended()).toEqual({
      stdout: 'readline 2 sum 12\nreadline end after 2 lines\n',
      stderr: '',
      code: 0,
    });
  });

  test.skipIf(!isHere)('the exit code after a restore', async () => {
    const here = await buildComponent(exits, join(folder, `exits-${from}`), from);
    const there = await buildComponent(exits, join(folder, `exits-${from}-there`), to);
    const workload = Workload.start(here.path, { env: { WAGSNAP_PARK: '1' } });
    const snapshot = join(folder, `exits-${from}.wsnap`);
    await captureAndEnd(workload, snapshot);
    const rest = await restoreAndStart(snapshot, there, join(folder, `exits-${from}-rest`));
    expect((await rest.ended()).code).toBe(1);
  });
});

test.skipIf(!canRun('x64') || !canRun('arm64'))('a component with open files, there and back', async () => {
  const bytes = readFileSync(component('fileio'));
  const options = { args: ['3000'], dirs: [{ host: join(folder, 'open'), guest: '.', readOnly: false }] };
  mkdirSync(options.dirs[0].host);
  const whole = await build(programPath('fileio'), join(folder, 'whole'));
  const expected = await Workload.start(whole.path, options).ended();
  const images = [
    await buildComponent(bytes, join(folder, 'fileio-arm64'), 'arm64'),
    await buildComponent(bytes, join(folder, 'fileio-x64'), 'x64'),
  ];
  const wait = ({ target }: Built) => (target.name === process.arch ? 5 : 300);
  for (const { ending } of await hopChains(images, 3, wait, folder, options)) {
    expect([ending.stdout, ending.code]).toEqual([expected.stdout, 0]);
  }
});

test('the adapter and the interfaces do what preview 1 does', async () => {
  const parts = decodeComponent(readFileSync(component('fileio')), 'component');
  writeFileSync(join(folder, 'linked.wasm'), linkedProgram(parts, instantiate(parts), loadInterfaces()).bytes);
  mkdirSync(join(folder, 'linked-files'));
  const args = ['--dir', 'linked-files::.'];
  const expected = await wagSnap('run', ...args, programPath('fileio'), '300');
  expect(await wagSnap('run', ...args, 'linked.wasm', '300')).toEqual(expected);
});

test('restore takes the component for a module that the snapshot does not carry', async () => {
  const { bytes } = commandModule(readFileSync(component('readline')), 'component', loadInterfaces);
  const built = await build(bytes, join(folder, 'bare'));
  const workload = Workload.start(built.path, { stdin: 'pipe' });
  await workload.waitFor('readline ready');
  await captureAndEnd(workload, join(folder, 'carries.wsnap'));
  const given = await wagSnap('restore', 'carries.wsnap', '--module', component('readline'));
  expect(given).toEqual({ status: 0, stdout: 'readline end after 0 lines\n', stderr: '' });
});
