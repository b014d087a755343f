/**
 * Loaded into a command (`node --import`): makes one of its system calls fail, or ends the command there. The command's
 * code is the shipped one; the exports of node:fs are wrapped before anything imports them.
 *
 * Counted are calls on files below `folder` (snapshot, outputs, cache, temporary files) and /proc, and signals that are
 * sent. WAGSNAP_FAULT is JSON: {folder, trace} writes all calls to the file `trace`, one a line: the label, a tab, and
 * where it is made, as a number: the same one for calls from the same lines of code after the same call that changes something.
 * {folder, label, nth, act, mark} does `act` at the nth call (from 0) with that label and makes the file `mark`. An act is an
 * errno's name, a signal's, or 'short' (half of what is asked for). A label is the call and the path, with N for
 * digits and random parts.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';
import { resolve } from 'node:path';

const { folder, trace, label: wanted, nth, act, mark } = JSON.parse(process.env.WAGSNAP_FAULT ?? '{"folder":"/"}');
delete process.env.WAGSNAP_FAULT;
const { writeFileSync } = fs;
const paths = new Map();
const labels = [];
const places = new Map();
/** Calls that change a file, or the process. */
const CHANGES = /^(write|rename|link|fsync|fdatasync|ftruncate|mkdir|rm|copyFile|chmod|fchmod|kill)/;
let lastChange = '';
let count = 0;
let inside = 0;
const originalKill = process.kill;

const ON_PATHS =
  'openSync readFileSync writeFileSync readlinkSync readdirSync mkdirSync renameSync linkSync copyFileSync chmodSync utimesSync statSync lstatSync rmSync';
const ON_FILES = 'readSync writeSync fsyncSync ftruncateSync fchmodSync fstatSync closeSync';
const ASYNC = 'read write fsync fdatasync';
const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGSTOP'];

for (const name of ON_PATHS.split(' ')) wrap(name, (path) => path);
for (const name of ON_FILES.split(' ')) wrap(name, (fd) => paths.get(fd));
for (const name of ASYNC.split(' ')) wrapAsync(name);
wrapKill();
syncBuiltinESMExports();
if (trace !== undefined) process.on('exit', () => writeFileSync(trace, labels.join('')));

/** @returns what is to happen to this call; a signal is sent right here */
function reached(name, path) {
  if (typeof path !== 'string') return undefined;
  const whole = resolve(path);
  if (!whole.startsWith(folder) && (!whole.startsWith('/proc/') || whole === '/proc/self/exe')) return undefined;
  const label = `${name} ${normal(whole)}`;
  if (trace !== undefined) labels.push(`${label}\t${place()}\n`);
  if (CHANGES.test(label)) lastChange = label;
  if (label !== wanted || count++ !== nth) return undefined;
  writeFileSync(mark, '');
  if (!SIGNALS.includes(act)) return act;
  originalKill.call(process, process.pid, act);
  return undefined;
}

/** A number for the code that makes this call, and what was changed before it. */
function place() {
  Error.stackTraceLimit = 50;
  const from = `${new Error().stack}\n${lastChange}`;
  Error.stackTraceLimit = 10;
  if (!places.has(from)) places.set(from, places.size);
  return places.get(from);
}

function normal(path) {
  const name = path.startsWith(folder) ? path.slice(folder.length) : path;
  return name
    .replace(/wag-snap-[0-9a-f]+-\d+-\d+-[0-9a-f]+/g, 'wag-snap-N')
    .replace(/[0-9a-f]{40}-[0-9a-f]+-[0-9a-f]+/g, 'ENTRY')
    .replace(/\d+/g, 'N');
}

function systemError(code, name, path) {
  const syscall = name.replace('Sync', '');
  const error = new Error(`${code}: injected, ${syscall} '${path}'`);
  return Object.assign(error, { code, errno: -constants.errno[code], syscall, path });
}

function wrap(name, pathOf) {
  const original = fs[name];
  fs[name] = (...args) => {
    if (inside > 0) return original(...args);
    const path = pathOf(args[0]);
    const fault = reached(name, path);
    if (fault === 'short') args = halved(args);
    else if (fault !== undefined) {
      if (name === 'closeSync') original(...args); // Linux has closed it all the same
      throw systemError(fault, name, path);
    }
    if (name === 'closeSync') paths.delete(args[0]);
    inside++;
    try {
      const result = original(...args);
      if (name === 'openSync') paths.set(result, path);
      return result;
    } finally {
      inside--;
    }
  };
}

function wrapAsync(name) {
  const original = fs[name];
  fs[name] = (...args) => {
    const path = paths.get(args[0]);
    const fault = reached(name, path);
    if (fault === 'short') args = halved(args);
    else if (fault !== undefined) return void setImmediate(args.at(-1), systemError(fault, name, path));
    return original(...args);
  };
}

/** (fd, buffer, offset, length, ...) with half of the length. */
function halved(args) {
  const [fd, buffer, offset, length, ...rest] = args;
  return typeof length === 'number' && length > 1 ? [fd, buffer, offset, length >> 1, ...rest] : args;
}

function wrapKill() {
  process.kill = (pid, signal) => {
    const fault = signal === 0 ? undefined : reached(`kill ${signal}`, `/proc/${pid}`);
    if (fault !== undefined) throw systemError(fault, 'kill', `/proc/${pid}`);
    return originalKill.call(process, pid, signal);
  };
}
