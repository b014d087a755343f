/**
 * The trial of `wag-snap check`: compiles, starts, captures and ends a program that does nothing. It shows what forbids
 * one of these steps: a container's system call filter, Yama, a mount with noexec.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ArchName } from '../arch/masm/target.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { launch } from './launch.js';

export interface Trial {
  /** Whether it has one more system call filter than this process. */
  readonly sandbox: boolean;
  /** How long it stood still, in microseconds. */
  readonly pause: number;
}

/** How long to wait for the news of its end, in milliseconds. */
const PATIENCE = 500;
/** (module (memory (export "memory") 1) (func (export "_start") (loop (br 0)))) */
const MODULE =
  '0061736d01000000 010401600000 03020100 0503010001 071302066d656d6f72790200065f73746172740000 0a09010700 03400c000b0b';

/** @throws whatever went wrong; the message says what */
export async function tryOut(arch: ArchName): Promise<Trial> {
  const [{ readModule }, { compileImage }, { writeImage }, { targets }, { captureProcess }, { ImageProcess }] =
    await Promise.all([
      import('../wasm/wat.js'),
      import('../compile/link/compile.js'),
      import('../compile/link/write-file.js'),
      import('../arch/targets.js'),
      import('../capture/capture.js'),
      import('../capture/process.js'),
    ]);
  const folder = makeTemporaryFolder();
  let child: ChildProcess | undefined;
  try {
    const module = await readModule(Buffer.from(MODULE.replaceAll(' ', ''), 'hex'));
    const image = join(folder, 'trial');
    writeImage(compileImage([{ module, file: 'trial' }], { target: targets[arch] }), image);
    const { program, args, argv0 } = launch(image, 'trial');
    child = spawn(program, args, { argv0, env: {}, stdio: ['ignore', 'ignore', 'pipe'] });
    const early = endOf(child);
    const capture = async (pid: number) => {
      const workload = await ImageProcess.attach(pid);
      try {
        return await captureProcess(workload, { output: join(folder, 'trial.wsnap') });
      } finally {
        workload.close();
      }
    };
    // when the program has ended, the capture fails as well, but does not know why
    const { pause } = await capture(child.pid ?? -1).catch(async (error) => {
      throw (await Promise.race([early, sleep(PATIENCE)])) ?? error;
    });
    return { sandbox: filters(child.pid ?? -1) > filters(process.pid), pause };
  } finally {
    child?.kill('SIGKILL');
    removeTemporary(folder);
  }
}

/** How it ended by itself, or why it did not start. */
async function endOf(child: ChildProcess): Promise<Error> {
  let said = '';
  child.stderr?.on('data', (data) => {
    said += String(data);
  });
  return new Promise((done) => {
    child.once('error', done);
    child.once('close', (code, signal) => {
      done(new Error(said.trim() || `a program ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

/** The number of system call filters of a process. Before Linux 5.9 the kernel says only whether there are any. */
function filters(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const count = /^Seccomp_filters:\s+(\d+)/m.exec(status)?.[1];
  return count === undefined ? Number(/^Seccomp:\s+2/m.test(status)) : Number(count);
}
