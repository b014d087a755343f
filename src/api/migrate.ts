/** Moves a running workload to another host, which may have another CPU (docs/migration.md). */

import { closeSync, fstatSync, openSync, read } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ownPackage } from '../base/package.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import type { ImageProcess } from '../capture/process.js';
import type { GrowingFile } from '../snapshot/writer.js';
import { ownCodecs } from '../transport/codec.js';
import { parseDestination } from '../transport/destination.js';
import { LinkError } from '../transport/errors.js';
import type { Hello } from '../transport/messages.js';
import type { Moved, MoveEvent, MovingProgram, ProgramTaker, SentFile } from '../transport/source.js';
import type { Transport } from '../transport/transport.js';
import type { ContinuationOptions } from './continuation-options.js';
import { attachGiven } from './find-process.js';

export { type DestinationOptions, parseDestination } from '../transport/destination.js';
export { RemoteError, UndecidedError } from '../transport/errors.js';
export type { Link, Transport } from '../transport/transport.js';
export { LinkError, type Moved, type MoveEvent };

export interface MigrateOptions extends ContinuationOptions {
  /** Limit of its memories there, in bytes. */
  readonly maxMemory?: number | undefined;
  /** The folder there for the program's output. */
  readonly outputDir?: string | undefined;
  /** How long it may stand still while the rest is sent, as far as possible, in milliseconds; default: 20. */
  readonly downtime?: number | undefined;
  /** Milliseconds for which it is sent again and again until the rest fits into `downtime`; if not given, as long as that comes nearer. */
  readonly maxTime?: number | undefined;
  /** What happens after `maxTime`: it is stopped all the same (the default), or it continues here. */
  readonly onTimeout?: 'stop' | 'cancel' | undefined;
  /** Bytes a second that may be sent. */
  readonly limitRate?: number | undefined;
  /** What is sent is compressed: by zstd where both sides have it, else by brotli. */
  readonly compress?: boolean | undefined;
  /** The contents of its open files are compared, too: it stands still for as long as reading them takes. */
  readonly hashFiles?: boolean | undefined;
  /** The longest silence of the other side while it is waited for, in milliseconds; default: 30,000. */
  readonly patience?: number | undefined;
  /** Its streams become this side's: `streams` of the result, until it ends there or is detached. */
  readonly attach?: boolean | undefined;
  /** Looks only: the program stops for a moment, to be looked at, and nothing is sent or started. */
  readonly dryRun?: boolean | undefined;
  /** The program also continues here, so there are two of them afterwards. */
  readonly copy?: boolean | undefined;
  /** Called with what happens on the way. */
  readonly onEvent?: ((event: MoveEvent) => void) | undefined;
  /** Gives the move up, until it is committed: the program continues here. */
  readonly signal?: AbortSignal | undefined;
}

const PATIENCE = 30_000;
const readAsync = promisify(read);

/**
 * Moves a running program to another host: it ends here and continues there.
 *
 * @param workload the workload, its pid, or its name
 * @param to `ssh://[USER@]HOST[:PORT]`, `HOST`, `tls://HOST:PORT`, `exec:COMMAND`, or the caller's own Transport
 * @throws UsageError, ToolError, InputError, LimitError, RemoteError (reported by the other side): it continues here.
 * UndecidedError: nobody knows whether it continues there; here it is kept parked until resumeKept() or endKept()
 */
export async function migrate(
  workload: { readonly pid: number } | number | string,
  to: Transport | string,
  options: MigrateOptions = {},
): Promise<Moved> {
  const transport = typeof to === 'string' ? parseDestination(to) : to;
  const process = await attachGiven(String(typeof workload === 'object' ? workload.pid : workload), options.signal);
  try {
    return await migrateAttached(process, transport, options);
  } finally {
    process.close();
  }
}

/** Moves a process that is attached already, and leaves it attached. */
export async function migrateAttached(
  process: ImageProcess,
  to: Transport,
  options: MigrateOptions = {},
): Promise<Moved> {
  const [{ streamChannel }, { PROTOCOL }, { moveProgram }, { captureProcess }] = await Promise.all([
    import('../transport/channel.js'),
    import('../transport/messages.js'),
    import('../transport/source.js'),
    import('../capture/capture.js'),
  ]);
  const link = await to.connect();
  let stays = false;
  try {
    const channel = streamChannel(link.input, link.output);
    const moved = await moveProgram(
      channel,
      movingProgram(process, captureProcess, options),
      helloOf(process, PROTOCOL, options),
      {
        ...options,
        patience: options.patience ?? PATIENCE,
        rate: options.limitRate,
        closeStreams: options.attach ? () => link.close() : undefined,
      },
    );
    stays = moved.streams !== undefined;
    return moved;
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    throw new LinkError(`${to.name}: ${error.headline}; pid ${process.pid} continues here`);
  } finally {
    if (!stays) link.close();
  }
}

function helloOf(process: ImageProcess, protocol: number, options: MigrateOptions): Hello {
  const { arch, name = process.name, dirs = [], listen = [], fds = {}, sameDirs = false } = options;
  return {
    name: 'hello',
    protocol,
    version: ownPackage().version,
    arch: arch ?? null,
    workload: name ?? null,
    dirs: dirs.map(({ readOnly = false, ...directory }) => ({ ...directory, readOnly })),
    listen: [...listen],
    fds: Object.entries(fds).map(([fd, policy]) => [Number(fd), policy]),
    sameDirs,
    strictFiles: options.strictFiles ?? false,
    maxMemory: options.maxMemory ?? null,
    outputDir: options.outputDir ?? null,
    attach: options.attach ?? false,
    codecs: options.compress ? ownCodecs() : [],
  };
}

function movingProgram(
  process: ImageProcess,
  captureProcess: typeof import('../capture/capture.js').captureProcess,
  { signal, downtime, maxTime, onTimeout = 'stop', hashFiles = false, onWarning }: MigrateOptions,
): MovingProgram {
  const common = { ...(signal ? { signal } : {}) };
  return {
    pid: process.pid,
    async outline(send: (file: SentFile) => Promise<void>) {
      const folder = makeTemporaryFolder();
      try {
        const output = join(folder, 'outline');
        await captureProcess(process, {
          ...common,
          ...(onWarning ? { onWarning } : {}),
          output,
          withoutPages: true,
          hashFiles,
        });
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
    async handOver(taker: ProgramTaker) {
      const folder = makeTemporaryFolder();
      try {
        await captureProcess(process, {
          ...common,
          output: join(folder, 'snapshot'),
          withoutModules: true,
          ...(downtime === undefined ? {} : { pauseBudget: downtime }),
          ...(maxTime === undefined ? {} : { deadline: { after: maxTime, outcome: onTimeout } }),
          taker: {
            round: (file) => taker.round(sentFile(file)),
            left: (bytes, pause) => taker.left(bytes, pause),
            take: (stopped, file) => taker.take(stopped, sentFile(file)),
          },
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
