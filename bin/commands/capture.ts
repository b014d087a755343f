/** `wag-snap capture`: writes a snapshot of a running process, which continues. */

import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { CommandModule } from 'yargs';
import { type CaptureOptions, type CaptureReport, captureAttached, captureTo } from '../../src/api/capture.js';
import { attachGiven, namesProcess } from '../../src/api/find-process.js';
import { keyFiles } from '../../src/api/key-files.js';
import { readParent } from '../../src/api/read-parent.js';
import { InputError } from '../../src/base/errors.js';
import { openDestination } from '../../src/base/output.js';
import { quoted, terminalJson } from '../../src/base/terminal-text.js';
import type { ImageProcess } from '../../src/capture/process.js';
import { type FormOptions, form, formOptions } from '../options/form.js';
import { DURATION, parseDuration, parseSize } from '../options/limits.js';
import { type StoreOptions, storeOptions } from '../options/store.js';
import { type TrustOptions, trust, trustOptions } from '../options/trust.js';
import { once, several, UsageError } from '../options/usage.js';
import { InputFile, moduleName } from '../programs/input-file.js';
import { Interruption } from '../programs/interruption.js';
import { Progress } from '../show/progress.js';
import { printResult } from '../show/result.js';
import { printWarning } from '../show/warning.js';

interface Options extends StoreOptions, FormOptions, TrustOptions {
  process: string;
  output: string | undefined;
  tag: string | undefined;
  whole: boolean;
  parent: string | undefined;
  search: string | string[] | undefined;
  kill: boolean;
  withoutModule: boolean;
  hashFiles: boolean;
  maxFileData: string | undefined;
  timeout: string | undefined;
  pauseBudget: string | undefined;
  noTracking: boolean;
  verbose: boolean;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'capture <process>',
  describe: 'Write a snapshot of a running process',
  builder: (yargs) =>
    yargs
      .positional('process', {
        type: 'string',
        demandOption: true,
        describe: 'the pid (of an image, or what run -v or a program parked at its trap printed) or name of a process',
      })
      .option('output', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        coerce: once('output'),
        describe: 'file to write; default: NAME-PID.wsnap',
      })
      .option('parent', {
        type: 'string',
        requiresArg: true,
        coerce: once('parent'),
        describe: 'FILE: an earlier snapshot of the same program; writes only what differs from it',
      })
      .option('search', {
        type: 'string',
        requiresArg: true,
        describe: 'DIR: a folder with files that the parent needs, if they are not beside it (may be repeated)',
      })
      .option('tag', {
        alias: 't',
        type: 'string',
        requiresArg: true,
        coerce: once('tag'),
        describe: 'NAME[:TAG]: write to the store, not to a file; without TAG as its next number',
      })
      .options(storeOptions)
      .option('whole', {
        type: 'boolean',
        default: false,
        describe: 'with -t: write all of it, though the generation before has most of it',
      })
      .options(formOptions)
      .options(trustOptions)
      .option('kill', {
        type: 'boolean',
        default: false,
        describe: 'end the process, with exit code 75, once the snapshot is on the disk',
      })
      .option('without-module', {
        type: 'boolean',
        default: false,
        describe: 'leave the module out: restore then needs --module',
      })
      .option('hash-files', {
        type: 'boolean',
        default: false,
        describe: 'record the sha256 of each open file, which restore compares',
      })
      .option('max-file-data', {
        type: 'string',
        requiresArg: true,
        coerce: once('max-file-data'),
        describe: 'SIZE[K|M|G]: limit on the contents of unlinked open files; default: 64M',
      })
      .option('timeout', {
        type: 'string',
        requiresArg: true,
        coerce: once('timeout'),
        describe: `${DURATION}: how long to wait for a safepoint`,
      })
      .option('pause-budget', {
        type: 'string',
        requiresArg: true,
        coerce: once('pause-budget'),
        describe: `${DURATION}: how long the program may stand still, as far as possible; default: 20ms`,
      })
      .option('no-tracking', {
        type: 'boolean',
        default: false,
        describe: 'copy everything while the program stands still, not while it runs',
      })
      .option('verbose', { alias: 'v', type: 'boolean', default: false, describe: 'print sizes and the stack trace' })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 capture 4711 -o job.wsnap', 'writes a snapshot; the program continues'],
        ['$0 capture 4711 -t job', 'writes one to the store, as the next generation of job'],
        ['$0 capture 4711 --kill -v', 'writes a snapshot and ends the program'],
      ]) as never,
  handler: async (options) => {
    const workload = await attachProcess(options.process);
    const interruption = new Interruption('nothing was written');
    const progress = new Progress('capturing');
    let result: Captured;
    try {
      const take = options.tag === undefined ? captureToFile : captureToStore;
      result = await take(workload, options, {
        ...captureOptions(options),
        signal: interruption.abortSignal,
        onProgress: (done, total) => progress.update(done, total),
      });
    } finally {
      interruption.stop();
      progress.end();
      workload.close();
    }
    const { report, output } = result;
    if (options.verbose) {
      const { describeCapture } = await import('../show/trace.js');
      process.stderr.write(describeCapture(report));
    }
    const { bytes, pages, changed = null, frames, pause, total, tracking = null } = report;
    const json = { file: result.name, bytes, pages, changed, frames, pause, total, tracking };
    printResult(output, options.json ? terminalJson(json) : result.name);
  },
};
export default command;

interface Captured {
  readonly report: CaptureReport;
  /** Of the file or the generation. */
  readonly name: string;
  /** The path that was written to. */
  readonly output: string;
}

type HowToCapture = Omit<CaptureOptions, 'to' | 'parent' | 'search'>;

function captureOptions(options: Options): HowToCapture {
  const { kill, withoutModule, hashFiles, maxFileData, timeout, pauseBudget, noTracking } = options;
  return {
    ...form(options),
    ...trust(options),
    kill,
    withoutModules: withoutModule,
    hashFiles,
    ...(maxFileData === undefined ? {} : { maxFileData: parseSize('max-file-data', maxFileData) }),
    ...(timeout === undefined ? {} : { timeout: parseDuration('timeout', timeout) }),
    ...(pauseBudget === undefined ? {} : { pauseBudget: parseDuration('pause-budget', pauseBudget) }),
    ...trackingOption(noTracking),
    onWarning: printWarning,
  };
}

async function captureToFile(workload: ImageProcess, options: Options, how: HowToCapture): Promise<Captured> {
  const path = options.output ?? `${programName(workload)}-${workload.pid}.wsnap`;
  if (options.whole) throw new UsageError('--whole is for a store: it needs -t');
  if (options.store !== undefined) throw new UsageError('--store says where snapshots are by name: it needs -t');
  if (options.parent === undefined && options.search !== undefined)
    throw new UsageError('--search says where files of a parent are: it needs --parent');
  const parent =
    options.parent === undefined ? undefined : await readParent(options.parent, several(options.search), how);
  const to = openDestination(path, [`/proc/${workload.pid}/exe`, ...(parent?.files ?? []), ...keyFiles(how)]);
  const report = await captureTo(to, workload, { ...how, parent: parent?.stored });
  return { report, name: report.file, output: path };
}

async function captureToStore(workload: ImageProcess, options: Options, how: HowToCapture): Promise<Captured> {
  for (const name of ['output', 'parent', 'search'] as const) {
    if (options[name] !== undefined)
      throw new UsageError(`-t and --${name} cannot be given together: a store has its own files`);
  }
  const { createStore } = await import('../../src/api/store.js');
  const store = await createStore(options.store);
  const own = { capture: (how: CaptureOptions) => captureAttached(workload, how) };
  const { generation, report } = await store.capture(own, options.tag ?? '', { ...how, whole: options.whole });
  return { report, name: `${generation.name}:${generation.tag}`, output: '' };
}

/** WAGSNAP_TRACKING, for tests, forces a way of tracking, if that is available. */
function trackingOption(none: boolean): Pick<CaptureOptions, 'tracking'> {
  if (none) return { tracking: 'none' };
  const way = process.env['WAGSNAP_TRACKING'];
  return way === 'userfault' || way === 'protect' || way === 'none' ? { tracking: way } : {};
}

/** @throws UsageError that says what a file is, when capture was given the program instead of the process */
async function attachProcess(text: string): Promise<ImageProcess> {
  const isFile = statSync(text, { throwIfNoEntry: false })?.isFile() ?? false;
  try {
    if (namesProcess(text)) return await attachGiven(text);
  } catch (error) {
    if (!isFile || !(error instanceof InputError) || error.code !== 'no-process') throw error;
  }
  const is = isFile
    ? `${text} is ${InputFile.open(text).type.what}; capture takes a process`
    : `${quoted(text)} is neither a pid nor a name`;
  throw new UsageError(`${is}: wag-snap ps lists those that run`);
}

/** The workload's name, or else that of the program as it was started. */
function programName({ name, args: [started = ''] }: ImageProcess): string {
  return name ?? (moduleName(basename(started)).replace(/[^\w.+-]/g, '_') || 'process');
}
