/**
 * `wag-snap check`: what this machine can do of what wag-snap needs.
 *
 * Reads /proc; tries nothing out. A line per fact, `ok`, `no` or `?` in front. Exit code 1 when something needed is missing.
 */

import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import type { CommandModule } from 'yargs';
import { ExitCode } from '../../src/errors.js';
import { cacheFolder } from '../../src/restore/cache.js';
import { findEmulator } from '../emulator.js';

interface Fact {
  readonly name: string;
  /** Undefined: cannot be told, or is only for information. */
  readonly ok: boolean | undefined;
  readonly detail: string;
}

/** x86-64-v2, the least that images are compiled for (x86-64 psABI 3.1.1), in the words of /proc/cpuinfo. */
const V2 = ['cx16', 'lahf_lm', 'popcnt', 'sse4_1', 'sse4_2', 'ssse3'];

const command: CommandModule<object, { json: boolean }> = {
  command: 'check',
  describe: 'Say what this machine can do',
  builder: (yargs) => yargs.option('json', { type: 'boolean', default: false, describe: 'print one JSON object' }),
  handler: ({ json }) => {
    const facts = collect();
    if (json)
      console.log(JSON.stringify(Object.fromEntries(facts.map(({ name, ok, detail }) => [name, { ok, detail }]))));
    else {
      const width = Math.max(...facts.map(({ name }) => name.length));
      for (const { name, ok, detail } of facts) {
        console.log(`${ok === undefined ? ' ?' : ok ? 'ok' : 'no'}  ${name.padEnd(width)}  ${detail}`);
      }
    }
    if (facts.some(({ ok }) => ok === false)) process.exitCode = ExitCode.failed;
  },
};
export default command;

export function collect(): Fact[] {
  const facts: Fact[] = [];
  const fact = (name: string, ok: boolean | undefined, detail: string) => facts.push({ name, ok, detail });
  fact('system', platform() === 'linux', `${platform()} ${release()}`);
  const known = arch() === 'x64' || arch() === 'arm64';
  fact('cpu', known, known ? arch() : `${arch()}: images are for x64 and arm64`);
  const [other, qemuArch] = arch() === 'arm64' ? ['x64', 'x86_64'] : ['arm64', 'aarch64'];
  const emulator = findEmulator(qemuArch);
  fact(
    'emulator',
    emulator === undefined ? undefined : true,
    emulator ?? `to run images for ${other} install qemu-user-static`,
  );
  if (arch() === 'x64') {
    const flags = new Set(/^flags\s*: (.*)$/m.exec(read('/proc/cpuinfo'))?.[1].split(' '));
    const missing = V2.filter((flag) => !flags.has(flag));
    fact(
      'cpu level',
      missing.length === 0,
      missing.length ? `below x86-64-v2: no ${missing.join(', ')}` : 'x86-64-v2 or better',
    );
  }
  fact('pidfd', kernelAtLeast(5, 3), 'a parked process notices that the capture tool died (Linux 5.3)');
  fact('openat2', kernelAtLeast(5, 6), 'confines paths to the given directories (Linux 5.6)');
  const page = /^KernelPageSize:\s+(\d+) kB/m.exec(read('/proc/self/smaps'))?.[1];
  fact(
    'page size',
    page === undefined ? undefined : Number(page) <= 64,
    page ? `${page} KiB, at most 64 are supported` : 'unknown',
  );
  facts.push(ptraceFact(), seccompFact(), cacheFact());
  return facts;
}

/** Capture reads /proc/PID/mem: the process allows it itself while parked, which scope 3 ignores. */
function ptraceFact(): Fact {
  const name = 'ptrace';
  const scope = read('/proc/sys/kernel/yama/ptrace_scope').trim();
  if (scope === '') return { name, ok: true, detail: 'processes of the same user can be captured (no Yama)' };
  const details = [
    'processes of the same user',
    'processes that allow it while parked: ours do',
    'only root can capture',
    'nobody can capture',
  ];
  const ok = scope === '0' || scope === '1' || (scope === '2' && process.getuid?.() === 0);
  return { name, ok, detail: `${details[Number(scope)] ?? 'unknown'} (ptrace_scope ${scope})` };
}

function seccompFact(): Fact {
  const mode = /^Seccomp:\s+(\d)/m.exec(read('/proc/self/status'))?.[1];
  const details: Record<string, string> = {
    0: 'no system call filter on this process',
    1: 'strict mode',
    2: 'this process is filtered: mmap of an executable, prctl and pidfd_open must be allowed',
  };
  return {
    name: 'seccomp',
    ok: mode === '0' ? true : undefined,
    detail: details[mode ?? ''] ?? 'the kernel does not say',
  };
}

function cacheFact(): Fact {
  const folder = cacheFolder();
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
    return { name: 'cache', ok: true, detail: folder };
  } catch {
    return { name: 'cache', ok: undefined, detail: `${folder} cannot be written: images are compiled every time` };
  }
}

function kernelAtLeast(major: number, minor: number): boolean {
  const [a, b] = release().split('.').map(Number);
  return a > major || (a === major && b >= minor);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
