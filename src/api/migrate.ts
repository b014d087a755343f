/** Moves a running workload to another host, which may have another CPU (docs/migration.md). */

import { closeSync, fstatSync, openSync, read } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { InputError, WagSnapError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import type { LeftPages } from '../capture/left-pages.js';
import type { ImageProcess } from '../capture/process.js';
import { usedMemory } from '../capture/used-memory.js';
import type { RestOfFile } from '../snapshot/writer.js';
import { interrupted } from '../transport/channel.js';
import { ownCodecs } from '../transport/codec.js';
import type { DecidedMove } from '../transport/decided-move.js';
import { parseDestination } from '../transport/destination.js';
import { LinkError } from '../transport/errors.js';
import type { SentFile } from '../transport/file-sender.js';
import type { Hello } from '../transport/messages.js';
import type { MoveEvent } from '../transport/move-event.js';
import type { Moved } from '../transport/moved.js';
import type { MovingProgram, ProgramTaker } from '../transport/moving-program.js';
import type { MissingPages } from '../transport/owing.js';
import type { Link, Transport } from '../transport/transport.js';
import { attachGiven } from './find-process.js';
import { checkOptions, type MigrateOptions } from './migrate-options.js';

export { type DestinationOptions, parseDestination } from '../transport/destination.js';
export { OwingError, RemoteError, UndecidedError } from '../transport/errors.js';
export type { Link, Transport } from '../transport/transport.js';
export type { MigrateOptions } from './migrate-options.js';
export { LinkError, type Moved, type MoveEvent };

const PATIENCE = 30_000;
/** How long to wait for the end of a command whose streams have ended, in milliseconds. */
const SHORT = 1000;
/** Milliseconds: more than it takes to make a process of usual size on the other side. */
const DOWNTIME = 100;
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
  options: MigrateOptions & DecidedMove = {},
): Promise<Moved> {
  checkOptions(options);
  const connecting = to.connect(); // the other side starts while this one loads what it needs
  connecting.catch(() => {}); // heard of below
  const [{ streamChannel }, { PROTOCOL }, { moveProgram }, { captureProcess }] = await Promise.all([
    import('../transport/channel.js'),
    import('../transport/messages.js'),
    import('../transport/source.js'),
    import('../capture/capture.js'),
  ]);
  const link = await unlessGivenUp(connecting, options.signal).catch((error) => {
    if (error instanceof WagSnapError && !options.dryRun) error.add(`pid ${process.pid} continues here`);
    throw error;
  });
  const ended = link.ended?.catch(() => undefined);
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
    const how = await Promise.race([ended, sleep(SHORT, undefined, { ref: false })]);
    throw new LinkError(`${to.name}: ${error.headline}${how === undefined ? '' : `: ${how}`}`, error.details);
  } finally {
    if (!stays) link.close();
  }
}

/** A link that is there only later is closed. */
async function unlessGivenUp(connecting: Promise<Link>, signal: AbortSignal | undefined): Promise<Link> {
  if (signal === undefined) return connecting;
  let giveUp = () => {};
  const given = new Promise<never>((_, reject) => {
    giveUp = () => reject(interrupted(signal));
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([connecting, given]);
  } catch (error) {
    void connecting.then((link) => link.close()).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function helloOf(process: ImageProcess, protocol: number, options: MigrateOptions & DecidedMove): Hello {
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
    from: `${hostname()} (pid ${process.pid})`,
    codecs: options.compress ? ownCodecs() : [],
    ...(options.move ? { move: options.move } : {}),
  };
}

function movingProgram(
  process: ImageProcess,
  captureProcess: typeof import('../capture/capture.js').captureProcess,
  {
    signal,
    downtime = DOWNTIME,
    maxTime,
    onTimeout = 'stop',
    lazy,
    limitRate,
    hashFiles = false,
    onWarning,
  }: MigrateOptions,
): MovingProgram {
  const common = { ...(signal ? { signal } : {}) };
  /** Milliseconds for what is no memory. */
  let ownPause = 0;
  return {
    pid: process.pid,
    async outline(send: (file: SentFile, memory: number) => Promise<void>) {
      const folder = makeTemporaryFolder();
      try {
        const output = join(folder, 'outline');
        const { pause } = await captureProcess(process, {
          ...common,
          ...(onWarning ? { onWarning } : {}),
          output,
          withoutPages: true,
          withoutModules: true,
          hashFiles,
        });
        if (!hashFiles) ownPause = pause / 1000; // files are read only here
        const fd = openSync(output, 'r');
        try {
          const { size } = fstatSync(fd);
          const outline = { size, changed: [{ offset: 0, length: size }], read: readFrom(fd) };
          await send(outline, await usedMemory(process));
        } finally {
          closeSync(fd);
        }
      } finally {
        removeTemporary(folder);
      }
    },
    modules: () => modulesOf(process),
    async handOver(taker: ProgramTaker) {
      const folder = makeTemporaryFolder();
      try {
        await captureProcess(process, {
          ...common,
          output: join(folder, 'snapshot'),
          withoutModules: true,
          pauseBudget: downtime,
          lazy,
          ...(limitRate === undefined ? {} : { hotBytes: (limitRate * downtime) / 1000 }),
          ...(maxTime === undefined ? {} : { deadline: { after: maxTime, outcome: onTimeout } }),
          taker: {
            send: (bytes, offset) => taker.send(bytes, offset),
            expect: (bytes) => taker.expect(bytes),
            round: () => taker.round(),
            mayStop: () => taker.mayStop(),
            left: (bytes, pause) => taker.left(bytes, pause),
            isBusy: () => taker.isBusy(),
            fixedPause: () => ownPause + taker.fixedPause(),
            leastPause: () => taker.leastPause(),
            take: (stopped, file, left) => taker.take(stopped, sentFile(file), missingPages(left, file.size)),
          },
        });
      } finally {
        removeTemporary(folder);
      }
    },
  };
}

/** @throws InputError when its image does not carry them */
function modulesOf({ image, pid }: ImageProcess): SentFile {
  const guests = image.identity.modules.filter(({ host }) => !host);
  const binaries = guests.map(({ name }, i) => {
    const bytes = image.moduleBytes(i + 1); // module 0 is the host layer
    if (bytes !== undefined) return bytes;
    throw new InputError(
      'no-module',
      `the image of pid ${pid} does not carry its module (${name}), which the other host needs`,
    );
  });
  const all = Buffer.concat(binaries);
  return {
    size: all.length,
    changed: [{ offset: 0, length: all.length }],
    read: async (target, offset) => all.copy(target, 0, offset),
  };
}

function sentFile({ fd, size, written }: RestOfFile): SentFile {
  return { size, changed: written, read: readFrom(fd) };
}

function missingPages(left: LeftPages | undefined, size: number): MissingPages | undefined {
  if (left === undefined || left.order.length === 0) return undefined;
  return { units: left.units(size), order: left.order, read: (unit) => left.read(unit) };
}

function readFrom(fd: number): SentFile['read'] {
  return async (target, offset) => (await readAsync(fd, target, 0, target.length, offset)).bytesRead;
}
