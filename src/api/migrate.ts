/** A running workload on its way to another host, or to another CPU (docs/migration.md). */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, read } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ArchName } from '../arch/masm/target.js';
import { systemReason, ToolError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { captureProcess } from '../capture/capture.js';
import type { ImageProcess } from '../capture/process.js';
import type { GrowingFile } from '../snapshot/writer.js';
import { LinkError, streamChannel } from '../transport/channel.js';
import type { Destination } from '../transport/destination.js';
import { type Hello, PROTOCOL } from '../transport/messages.js';
import {
  type Moved,
  type MoveEvent,
  type MoveOptions,
  type MovingProgram,
  moveProgram,
  type SentFile,
} from '../transport/source.js';
import type { GrantOptions } from './restore-grants.js';

export { type Destination, parseDestination } from '../transport/destination.js';
export type { Moved, MoveEvent };

export interface MigrateOptions extends GrantOptions, Omit<MoveOptions, 'patience'> {
  /** The CPU that it continues with; the target's own, if not given. */
  readonly arch?: ArchName | undefined;
  /** What it is called there; what it is called here, if not given. */
  readonly name?: string | undefined;
  /** Files that have changed there, or are other ones, are errors. */
  readonly strictFiles?: boolean;
  /** Bytes that its memories may have there. */
  readonly maxMemory?: number | undefined;
  /** The folder there that takes the program's output. */
  readonly outputDir?: string | undefined;
  /** Milliseconds that it may stand still while the rest of it is sent, as far as possible; 20 if not given. */
  readonly downtime?: number | undefined;
  /** Milliseconds for which the other side may say nothing while it is waited for. */
  readonly patience?: number | undefined;
  readonly onWarning?: (text: string) => void;
}

const PATIENCE = 30_000;
const readAsync = promisify(read);

/**
 * Moves a workload: here it ends, there it continues.
 *
 * @throws ToolError, InputError, LimitError, or what the other side says: it continues here. UndecidedError: whether it
 *   continues there is not known, and here it is kept parked
 */
export async function migrate(process: ImageProcess, to: Destination, options: MigrateOptions): Promise<Moved> {
  const child = spawn(to.program, to.args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await started(child, to);
  try {
    const channel = streamChannel(child.stdout, child.stdin);
    return await moveProgram(channel, movingProgram(process, options), helloOf(process, options), {
      ...options,
      patience: options.patience ?? PATIENCE,
    });
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    throw new LinkError(`${to.name}: ${error.headline}; pid ${process.pid} continues here`);
  } finally {
    child.stdin.destroy();
    child.stdout.destroy();
    child.unref();
  }
}

async function started(child: ChildProcess, { program, name }: Destination): Promise<void> {
  try {
    await once(child, 'spawn');
  } catch (error) {
    const hint = program === 'ssh' ? ' (Debian: apt-get install openssh-client)' : '';
    throw new ToolError('link', `${name} cannot be reached: ${program}: ${systemReason(error)}${hint}`);
  }
}

function helloOf(process: ImageProcess, options: MigrateOptions): Hello {
  const { arch, name = process.name, dirs = [], listen = [], fds = new Map(), sameDirs = false } = options;
  return {
    name: 'hello',
    protocol: PROTOCOL,
    version: ownPackage().version,
    arch: arch ?? null,
    workload: name ?? null,
    dirs: dirs.map((directory) => ({ ...directory })),
    listen: [...listen],
    fds: [...fds],
    sameDirs,
    strictFiles: options.strictFiles ?? false,
    maxMemory: options.maxMemory ?? null,
    outputDir: options.outputDir ?? null,
  };
}

function movingProgram(process: ImageProcess, { signal, downtime, onWarning }: MigrateOptions): MovingProgram {
  const common = { ...(signal ? { signal } : {}) };
  return {
    pid: process.pid,
    async outline(send: (file: SentFile) => Promise<void>) {
      const folder = makeTemporaryFolder();
      try {
        const output = join(folder, 'outline');
        await captureProcess(process, { ...common, ...(onWarning ? { onWarning } : {}), output, withoutPages: true });
        const fd = openSync(output, 'r');
        try {
          const { size } = fstatSync(fd);
          await send({ size, changed: [{ offset: 0, length: size }], read: readFrom(fd) });
        } finally {
          closeSync(fd);
        }
      } finally {
        removeTemporary(folder);
      }
    },
    async handOver(...[round, take]: Parameters<MovingProgram['handOver']>) {
      const folder = makeTemporaryFolder();
      try {
        await captureProcess(process, {
          ...common,
          output: join(folder, 'snapshot'),
          withoutModules: true,
          ...(downtime === undefined ? {} : { pauseBudget: downtime }),
          taker: { round: (file) => round(sentFile(file)), take: (stopped, file) => take(stopped, sentFile(file)) },
        });
      } finally {
        removeTemporary(folder);
      }
    },
  };
}

function sentFile({ fd, size, written }: GrowingFile): SentFile {
  return { size, changed: written, read: readFrom(fd) };
}

function readFrom(fd: number): SentFile['read'] {
  return async (target, offset) => (await readAsync(fd, target, 0, target.length, offset)).bytesRead;
}
