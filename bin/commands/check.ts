/**
 * `wag-snap check`: which of the things that wag-snap needs this machine has.
 *
 * Reads /proc, and tries a small program for each CPU. Prints one line for each fact: `ok`, `no`, or `?` for an
 * optional or unknown one. The exit code is 1 when something needed is missing.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import type { CommandModule } from 'yargs';
import { cacheState } from '../../src/api/cache-state.js';
import { cpuFlags } from '../../src/api/cpu-flags.js';
import { findEmulator } from '../../src/api/launch.js';
import { tryOut } from '../../src/api/trial.js';
import { ExitCode } from '../../src/base/errors.js';
import { terminalJson, terminalText } from '../../src/base/terminal-text.js';

interface Fact {
  readonly name: string;
  /** Undefined: unknown, or only for information. */
  readonly ok: boolean | undefined;
  readonly detail: string;
}

/**
 * Levels of x86-64 (psABI 3.1.1) and the features that each adds, as /proc/cpuinfo names them. The first level is
 * needed.
 */
const LEVELS: readonly (readonly [string, readonly string[]])[] = [
  ['x86-64-v2', ['cx16', 'lahf_lm', 'popcnt', 'sse4_1', 'sse4_2', 'ssse3']],
  ['x86-64-v3', ['abm', 'avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'movbe', 'xsave']],
  ['x86-64-v4', ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl']],
];
/** The address space that a memory reserves, and as much again for the rest of the process: ulimit -v, in bytes. */
const ADDRESS_SPACE = 2 * 2 ** 33;

const command: CommandModule<object, { json: boolean }> = {
  command: 'check',
  describe: 'Say what this machine can do',
  builder: (yargs) =>
    yargs.option('json', { type: 'boolean', default: false, describe: 'print one JSON object' }).example([
      ['$0 check', 'a line for each fact; exit code 1 when something needed is missing'],
      ['$0 check --json', 'prints the same for programs'],
    ]),
  handler: async ({ json }) => {
    const facts = await collect();
    if (json)
      console.log(terminalJson(Object.fromEntries(facts.map(({ name, ok, detail }) => [name, { ok, detail }]))));
    else {
      const width = Math.max(...facts.map(({ name }) => name.length));
      for (const { name, ok, detail } of facts) {
        console.log(`${ok === undefined ? ' ?' : ok ? 'ok' : 'no'}  ${name.padEnd(width)}  ${terminalText(detail)}`);
      }
    }
    if (facts.some(({ ok }) => ok === false)) process.exitCode = ExitCode.failed;
  },
};
export default command;

async function collect(): Promise<Fact[]> {
  const here = arch() === 'arm64' ? 'arm64' : 'x64';
  const facts: Fact[] = [];
  const fact = (name: string, ok: boolean | undefined, detail: string) => facts.push({ name, ok, detail });
  fact('system', platform() === 'linux', `${platform()} ${release()}`);
  const known = arch() === here;
  fact('cpu', known, known ? here : `${arch()}: images are for x64 and arm64`);
  if (arch() === 'x64') facts.push(levelFact());
  fact('pidfd', kernelAtLeast(5, 3), 'a parked process notices that the capture tool died (Linux 5.3)');
  fact('openat2', kernelAtLeast(5, 6), 'confines paths to the given directories (Linux 5.6)');
  const page = /^KernelPageSize:\s+(\d+) kB/m.exec(read('/proc/self/smaps'))?.[1];
  fact(
    'page size',
    page === undefined ? undefined : Number(page) <= 64,
    page ? `${page} KiB, at most 64 are supported` : 'unknown',
  );
  facts.push(addressSpaceFact(), ptraceFact(), seccompFact(), landlockFact(), cacheFact());
  if (known) facts.push(await trialFact('trial', here));
  facts.push(...(await emulatorFacts(here)));
  return facts;
}

function levelFact(): Fact {
  const flags = cpuFlags();
  let reached = 'below x86-64-v2';
  for (const [level, needed] of LEVELS) {
    const missing = needed.filter((flag) => !flags.has(flag));
    if (missing.length > 0) {
      const [least] = LEVELS[0];
      return {
        name: 'cpu level',
        ok: level !== least,
        detail: `${reached}: no ${missing.join(', ')}; ${least} is needed`,
      };
    }
    reached = level;
  }
  return { name: 'cpu level', ok: true, detail: reached };
}

function addressSpaceFact(): Fact {
  const name = 'address space';
  const limit = /^Max address space\s+(\S+)/m.exec(read('/proc/self/limits'))?.[1];
  if (limit === undefined) return { name, ok: undefined, detail: 'unknown' };
  if (limit === 'unlimited' || Number(limit) >= ADDRESS_SPACE) return { name, ok: true, detail: limit };
  return { name, ok: false, detail: `${limit} bytes; a memory reserves 8 GiB: ulimit -v unlimited` };
}

/** Whether a program for a CPU can be started and captured here. */
async function trialFact(name: string, target: 'x64' | 'arm64'): Promise<Fact> {
  try {
    const { sandbox, pause } = await tryOut(target);
    const detail = `a program for ${target} was started${sandbox ? ' in a sandbox' : ''} and captured`;
    const note = sandbox || target !== arch() ? '' : '; the kernel refused its system call filter';
    return { name, ok: true, detail: `${detail}: it stood still for ${(pause / 1000).toFixed(1)} ms${note}` };
  } catch (error) {
    const ok = target === arch() ? false : undefined; // an emulator is optional
    return { name, ok, detail: error instanceof Error ? error.message : String(error) };
  }
}

/** Facts about programs for the other CPU. */
async function emulatorFacts(here: 'x64' | 'arm64'): Promise<Fact[]> {
  const other = here === 'arm64' ? 'x64' : 'arm64';
  const emulator = findEmulator(other);
  if (emulator === undefined) {
    const detail = `to run programs for ${other} install qemu-user-static (Debian: apt-get install qemu-user-static)`;
    return [{ name: 'emulator', ok: undefined, detail }];
  }
  const version = /version (\S+)/.exec(spawnSync(emulator, ['--version'], { encoding: 'utf8' }).stdout)?.[1];
  const trial = await trialFact(`trial ${other}`, other);
  return [{ name: 'emulator', ok: true, detail: `${emulator} ${version ?? ''}`.trimEnd() }, trial];
}

/** Capture reads /proc/PID/mem. The process itself allows this while it is parked, but scope 3 ignores that. */
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
  const remedy = ok || scope === '3' ? '' : '; sysctl kernel.yama.ptrace_scope=1 changes that';
  return { name, ok, detail: `${details[Number(scope)] ?? 'unknown'} (ptrace_scope ${scope})${remedy}` };
}

function seccompFact(): Fact {
  const mode = /^Seccomp:\s+(\d)/m.exec(read('/proc/self/status'))?.[1];
  const details: Record<string, string> = {
    0: 'programs get a system call filter; there is none on this process',
    1: 'strict mode',
    2: 'this process is filtered: mmap of an executable, prctl and pidfd_open must be allowed',
  };
  return {
    name: 'seccomp',
    ok: mode === '0' ? true : undefined,
    detail: details[mode ?? ''] ?? 'the kernel does not say',
  };
}

/** The list of security modules can only be read where securityfs is mounted. */
function landlockFact(): Fact {
  const name = 'landlock';
  const detail = 'keeps programs below their directories, besides openat2';
  if (!kernelAtLeast(5, 19)) return { name, ok: undefined, detail: `${detail}: from Linux 5.19 on` };
  const modules = read('/sys/kernel/security/lsm').trim();
  if (modules === '') return { name, ok: undefined, detail: `${detail}, if this kernel has it: it does not say` };
  const on = modules.split(',').includes('landlock');
  return {
    name,
    ok: on || undefined,
    detail: on ? detail : `${detail}: not on here (lsm=landlock,${modules} turns it on)`,
  };
}

function cacheFact(): Fact {
  const { folder, isUsable } = cacheState();
  const name = 'cache';
  if (folder === undefined) return { name, ok: undefined, detail: 'no home: images are compiled every time' };
  if (isUsable) return { name, ok: true, detail: folder };
  const needs = 'it must be a folder of yours, no link, that only you may write to';
  return { name, ok: undefined, detail: `${folder} is not used, so images are compiled every time: ${needs}` };
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
