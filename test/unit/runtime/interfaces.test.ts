/** The interfaces of WASI 0.2: handles, errors, and what traps, as the WIT of 0.2 and the canonical ABI say. */

import { beforeEach, describe, expect, test } from 'vitest';
import { loadInterfaces } from '../../../src/api/interfaces.js';
import { RETURNED, RuntimeError, ServedComponent } from './served-component.js';

const [DIRECTORY, REGULAR_FILE] = [3, 4];
const [EIO, EACCES] = [29, 2];
/** Of wasi:filesystem's error-code. */
const [ILLEGAL_BYTE_SEQUENCE, INVALID, IO, IS_DIRECTORY, OVERFLOW] = [9, 12, 13, 14, 30];
const [PREOPEN, FILE] = [3, 4];
const NOT_TEXT = Uint8Array.of(0xc0, 0x80);

let served: ServedComponent;
/** What calls of preview 1 give back, by name. */
let errors: Record<string, number>;
let entry: Uint8Array;
let seekable: boolean;
/** How often something was written. */
let writes: number;
/** Descriptors that were closed. */
let closed: number[];
/** The time, in nanoseconds, and the arguments. */
let time: bigint;
let args: readonly Uint8Array[];

/** One directory that is preopened and one file that is opened, which is empty. */
const preview1 = {
  fd_prestat_get(fd: number, to: number) {
    if (fd !== PREOPEN) return 8;
    served.view.setUint32(to + 4, 1, true);
    return 0;
  },
  fd_prestat_dir_name(_fd: number, to: number) {
    served.own[to] = 0x2e;
    return 0;
  },
  fd_fdstat_get(fd: number, to: number) {
    served.own[to] = fd === PREOPEN ? DIRECTORY : fd < PREOPEN ? 2 : REGULAR_FILE;
    served.view.setBigUint64(to + 8, seekable ? 0x1fffffffn : 0n, true);
    return 0;
  },
  fd_filestat_get(fd: number, to: number) {
    served.view.setBigUint64(to + 8, BigInt(fd), true);
    return errors.fd_filestat_get ?? 0;
  },
  path_open(...args: number[]) {
    served.view.setUint32(args[8], FILE, true);
    return 0;
  },
  path_readlink(_fd: number, _path: number, _length: number, to: number, _size: number, used: number) {
    served.own.set(entry, to);
    served.view.setUint32(used, entry.length, true);
    return 0;
  },
  fd_readdir(_fd: number, to: number, _length: number, _cookie: bigint, used: number) {
    served.view.setUint32(to + 16, entry.length, true);
    served.own.set(entry, to + 24);
    served.view.setUint32(used, 24 + entry.length, true);
    return 0;
  },
  fd_pread(_fd: number, _vector: number, _count: number, _offset: bigint, done: number) {
    served.view.setUint32(done, 0, true);
    return errors.fd_pread ?? 0;
  },
  fd_pwrite(_fd: number, vector: number, _count: number, _offset: bigint, done: number) {
    writes++;
    served.view.setUint32(done, served.view.getUint32(vector + 4, true), true);
    return errors.fd_pwrite ?? 0;
  },
  fd_filestat_set_times: () => 0,
  path_filestat_set_times: () => 0,
  fd_advise: () => 0,
  fd_close: (fd: number) => {
    closed.push(fd);
    return 0;
  },
  path_create_directory: () => 0,
  clock_time_get(_id: number, _precision: bigint, to: number) {
    served.view.setBigUint64(to, time, true);
    return 0;
  },
  args_sizes_get(count: number, size: number) {
    served.view.setUint32(count, args.length, true);
    served.view.setUint32(size, Buffer.concat(args).length + args.length, true);
    return 0;
  },
  args_get(pointers: number, text: number) {
    for (const [i, arg] of args.entries()) {
      served.view.setUint32(pointers + 4 * i, text, true);
      served.own.set([...arg, 0], text);
      text += arg.length + 1;
    }
    return 0;
  },
  random_get: () => 0,
  proc_exit: () => 0,
};

beforeEach(() => {
  served = new ServedComponent(preview1);
  errors = {};
  entry = new Uint8Array();
  seekable = true;
  writes = 0;
  closed = [];
  time = 0n;
  args = [];
});

const word = (bytes: readonly number[], at: number) => Buffer.from(bytes).readUint32LE(at);

function preopen(): number {
  const list = word(served.get('filesystem_preopens_get_directories', 8), 0);
  return word([...served.memory], list);
}

function file(): number {
  const opened = served.get(
    'filesystem_types_descriptor_open_at',
    8,
    preopen(),
    0,
    ...served.put(Buffer.from('f')),
    0,
    3,
  );
  expect(opened[0]).toBe(0);
  return word(opened, 4);
}

/** A stream of a file from its start; one that is written has a permit. */
function stream(kind: 'read' | 'write'): number {
  const made = word(served.get(`filesystem_types_descriptor_${kind}_via_stream`, 8, file(), 0), 4);
  if (kind === 'write') permit(made);
  return made;
}

const PERMITTED = 65536;

function permit(output: number): void {
  const given = served.get('io_streams_output_stream_check_write', 16, output);
  expect([given[0], word(given, 8)]).toEqual([0, PERMITTED]);
}

/** A stream's error, by a read. */
function error(): number {
  errors.fd_pread = EIO;
  const [failed, , , , closed, , , , handle] = served.get('io_streams_input_stream_read', 12, stream('read'), 1);
  expect([failed, closed]).toEqual([1, 0]);
  return handle;
}

const traps = (...call: Parameters<ServedComponent['call']>) =>
  expect(() => served.call(...call)).toThrow(RuntimeError);

describe('a handle of another kind traps, whatever else is given', () => {
  /** How names of functions begin that take a handle first, by the resource. */
  const KINDS: Readonly<Record<string, () => number>> = {
    filesystem_types_descriptor_: file,
    filesystem_types_directory_entry_stream_: () =>
      word(served.get('filesystem_types_descriptor_read_directory', 8, preopen()), 4),
    io_streams_input_stream_: () => stream('read'),
    io_streams_output_stream_: () => stream('write'),
    io_poll_pollable_: () => served.call('io_streams_input_stream_subscribe', stream('read')),
    io_error_error_: error,
    filesystem_types_filesystem_error_code: error,
    sockets_network_network_error_code: error,
    sockets_ip_name_lookup_resolve_addresses: () => served.call('sockets_instance_network_instance_network'),
  };
  const names = loadInterfaces().exports.flatMap(({ name }) => {
    const kind = Object.keys(KINDS).find((start) => name.startsWith(start));
    return kind === undefined ? [] : [[name, kind] as const];
  });

  test.each(names)('%s', (name, kind) => {
    for (const handle of [0, 4095, 4096, -1]) traps(name, handle);
    for (const make of Object.values(KINDS)) if (make !== KINDS[kind]) traps(name, make());
    tryAnother(name);
  });

  /** The second handle of functions that take two: checked although the first one's call fails. */
  function tryAnother(name: string): void {
    errors.fd_filestat_get = EACCES;
    const wrong = stream('read');
    if (/is_same_object$/.test(name)) traps(name, file(), wrong);
    if (/splice$/.test(name)) {
      traps(name, stream('write'), stream('write'), 0, RETURNED);
      const closed = stream('write');
      errors.fd_pwrite = EIO;
      served.call('io_streams_output_stream_write', closed, ...served.put(Buffer.from('f')), RETURNED);
      traps(name, closed, stream('write'), 0, RETURNED);
    }
    if (/(link|rename)_at$/.test(name) && !/symlink|unlink|readlink/.test(name)) {
      const at = served.put(Buffer.from('f'));
      if (name.includes('rename')) traps(name, preopen(), ...at, wrong, ...at, RETURNED);
      else traps(name, preopen(), 0, ...at, wrong, ...at, RETURNED);
    }
  }

  test('dropping a terminal as one of the other direction', () => {
    seekable = false;
    const [some, , , , input] = served.get('cli_terminal_stdin_get_terminal_stdin', 8);
    const [, , , , output] = served.get('cli_terminal_stdout_get_terminal_stdout', 8);
    expect(some).toBe(1);
    traps('resource_drop_terminal_output', input);
    traps('resource_drop_terminal_input', output);
    served.call('resource_drop_terminal_input', input);
    served.call('resource_drop_terminal_output', output);
  });
});

describe('a case that there is not traps', () => {
  test.each<[string, (kind: number) => readonly number[], number]>([
    ['cli_exit_exit', (kind) => [kind], 2],
    ['filesystem_types_descriptor_advise', (kind) => [file(), 0, 0, kind, RETURNED], 6],
    ['filesystem_types_descriptor_set_times', (kind) => [file(), kind, 0, 0, 0, 0, 0, RETURNED], 3],
    ['filesystem_types_descriptor_set_times', (kind) => [file(), 0, 0, 0, kind, 0, 0, RETURNED], 3],
    ['sockets_tcp_create_socket_create_tcp_socket', (kind) => [kind, RETURNED], 2],
    ['sockets_udp_create_socket_create_udp_socket', (kind) => [kind, RETURNED], 2],
  ])('%s', (name, args, cases) => {
    for (let i = 0; i < cases; i++) served.call(name, ...args(i));
    for (const none of [cases, -1]) traps(name, ...args(none));
  });
});

describe('strings and lists', () => {
  const TEXTS = ['', 'plain', 'é', '߿', 'ࠀ', '퟿', '', '\u{10000}', '\u{10ffff}'].map((text) => Buffer.from(text));
  const OTHERS = [
    '80',
    'c080',
    'c1bf',
    'c2',
    'c2c0',
    'e08080',
    'e09fbf',
    'eda080',
    'e18080c2',
    'f08fbfbf',
    'f4908080',
    'f5808080',
    'ff',
    'e180',
    'f1808041',
  ];

  test('a path that is no text traps', () => {
    const create = (bytes: Uint8Array) =>
      served.call('filesystem_types_descriptor_create_directory_at', preopen(), ...served.put(bytes), RETURNED);
    for (const text of TEXTS) create(text);
    for (const other of OTHERS) {
      expect(() => create(Buffer.from(other, 'hex')), other).toThrow(RuntimeError);
    }
  });

  test('one that is past the memory traps, however long it is', () => {
    for (const [at, length] of [
      [65536, 1],
      [65535, 2],
      [1, 65536],
      [0, 65537],
      [16, -16],
      [16, -1],
    ]) {
      traps('filesystem_types_descriptor_create_directory_at', preopen(), at, length, RETURNED);
      traps('filesystem_types_descriptor_write', file(), at, length, 0, RETURNED);
      traps('io_streams_output_stream_write', stream('write'), at, length, RETURNED);
    }
    expect(writes).toBe(0);
  });

  test('a name of the host that is no text is an error', () => {
    entry = NOT_TEXT;
    const at = served.put(Buffer.from('f'));
    const link = served.get('filesystem_types_descriptor_readlink_at', 5, preopen(), ...at);
    expect([link[0], link[4]]).toEqual([1, ILLEGAL_BYTE_SEQUENCE]);
    const entries = word(served.get('filesystem_types_descriptor_read_directory', 8, preopen()), 4);
    const found = served.get('filesystem_types_directory_entry_stream_read_directory_entry', 5, entries);
    expect([found[0], found[4]]).toEqual([1, ILLEGAL_BYTE_SEQUENCE]);
  });
});

describe('what does not lie where its type asks traps', () => {
  const path = () => served.put(Buffer.from('f'));
  test.each<[string, number, () => readonly number[]]>([
    ['clocks_wall_clock_now', 8, () => []],
    ['random_insecure_seed_insecure_seed', 8, () => []],
    ['cli_environment_initial_cwd', 4, () => []],
    ['cli_terminal_stdin_get_terminal_stdin', 4, () => []],
    ['filesystem_preopens_get_directories', 4, () => []],
    ['filesystem_types_descriptor_get_type', 1, () => [file()]],
    ['filesystem_types_descriptor_create_directory_at', 1, () => [preopen(), ...path()]],
    ['filesystem_types_descriptor_stat', 8, () => [file()]],
    ['filesystem_types_descriptor_metadata_hash', 8, () => [file()]],
    ['filesystem_types_descriptor_read', 4, () => [file(), 9, 0]],
    ['filesystem_types_descriptor_write', 8, () => [file(), ...path(), 0]],
    ['filesystem_types_descriptor_open_at', 4, () => [preopen(), 0, ...path(), 0, 3]],
    ['filesystem_types_descriptor_read_via_stream', 4, () => [file(), -1]],
    ['filesystem_types_descriptor_readlink_at', 4, () => [preopen(), ...path()]],
    ['io_streams_output_stream_check_write', 8, () => [stream('write')]],
    ['io_streams_output_stream_write', 4, () => [stream('write'), ...path()]],
    ['io_streams_input_stream_read', 4, () => [stream('read'), 1]],
    ['io_streams_input_stream_skip', 8, () => [stream('read'), 1]],
    ['io_error_error_to_debug_string', 4, () => [error()]],
    ['sockets_tcp_create_socket_create_tcp_socket', 4, () => [0]],
  ])('%s', (name, alignment, args) => {
    for (const at of [1, 2, 4, 8]) {
      if (at < alignment) traps(name, ...args(), RETURNED + at);
      else served.call(name, ...args(), RETURNED + at);
    }
  });

  test('a list of handles', () => {
    const pollable = served.call('io_streams_input_stream_subscribe', stream('read'));
    served.memory[512] = pollable;
    expect(served.get('io_poll_poll', 8, 512, 1)[4]).toBe(1);
    served.memory[514] = pollable;
    traps('io_poll_poll', 514, 1, RETURNED);
  });

  test('what realloc gives', () => {
    served.misaligns = true;
    traps('filesystem_preopens_get_directories', RETURNED);
  });
});

describe('how much is written', () => {
  const write = (output: number, length: number, how = 'write') =>
    served.get(`io_streams_output_stream_${how}`, 1, output, 0, length);
  const zeroes = (output: number, length: number, how = 'write_zeroes') =>
    served.get(`io_streams_output_stream_${how}`, 1, output, length);

  test.each([
    ['write', write],
    ['write_zeroes', zeroes],
  ])('%s writes what check-write has permitted, once; more traps', (_name, writes) => {
    const output = stream('write');
    expect(writes(output, PERMITTED - 4)).toEqual([0]);
    expect(() => writes(output, 5)).toThrow(RuntimeError);
    expect(writes(output, 4)).toEqual([0]);
    expect(() => writes(output, 1)).toThrow(RuntimeError);
    expect(writes(output, 0)).toEqual([0]);
    permit(output);
    expect(() => writes(output, PERMITTED + 1)).toThrow(RuntimeError);
    expect(writes(output, PERMITTED)).toEqual([0]);
  });

  test('nothing is permitted before check-write, also not by a stream that had the same handle', () => {
    const output = stream('write');
    served.call('resource_drop_output_stream', output);
    const [first, second] = [served.call('cli_stdout_get_stdout'), served.call('cli_stdout_get_stdout')];
    expect(first).toBe(output);
    for (const handle of [first, second]) traps('io_streams_output_stream_write', handle, 0, 1, RETURNED);
  });

  test('blocking-write-and-flush takes 4096 bytes at most, and needs no permit', () => {
    const output = word(served.get('filesystem_types_descriptor_write_via_stream', 8, file(), 0), 4);
    expect(write(output, 4096, 'blocking_write_and_flush')).toEqual([0]);
    expect(zeroes(output, 4096, 'blocking_write_zeroes_and_flush')).toEqual([0]);
    expect(() => write(output, 4097, 'blocking_write_and_flush')).toThrow(RuntimeError);
    expect(() => zeroes(output, 4097, 'blocking_write_zeroes_and_flush')).toThrow(RuntimeError);
  });
});

test('a descriptor is closed with the last handle that has it, a standard stream never', () => {
  const descriptor = file();
  const input = word(served.get('filesystem_types_descriptor_read_via_stream', 8, descriptor, 0), 4);
  served.call('resource_drop_descriptor', descriptor);
  expect(closed).toEqual([]);
  served.call('resource_drop_input_stream', input);
  expect(closed).toEqual([FILE]);
  const handles = [served.call('cli_stdout_get_stdout'), served.call('cli_stdout_get_stdout')];
  for (const handle of handles) served.call('resource_drop_output_stream', handle);
  expect(closed).toEqual([FILE]);
});

test('a time has seconds and nanoseconds', () => {
  time = 1_700_000_000_123_456_789n;
  const now = served.get('clocks_wall_clock_now', 12);
  expect([word(now, 0), word(now, 4), word(now, 8)]).toEqual([1_700_000_000, 0, 123_456_789]);
});

test('an argument that is no text has U+FFFD for what is none, as TextDecoder has it', () => {
  const bytes = [
    ...['plain', 'é\u{10ffff}'].map((text) => Buffer.from(text)),
    ...['c0', '61ff62', 'e18080c2', 'f0908041', 'f09f98', 'eda080', 'e0806180', 'f4908080', 'c3', '80e282ac'].map(
      (hex) => Buffer.from(hex, 'hex'),
    ),
  ];
  args = bytes;
  const list = served.get('cli_environment_get_arguments', 8);
  expect(word(list, 4)).toBe(bytes.length);
  const at = (offset: number) => word([...served.memory], word(list, 0) + offset);
  const found = bytes.map((_, i) => served.memory.slice(at(8 * i), at(8 * i) + at(8 * i + 4)));
  expect(found.map((text) => Buffer.from(text).toString('hex'))).toEqual(
    bytes.map((text) => Buffer.from(new TextDecoder().decode(text)).toString('hex')),
  );
});

describe('errors', () => {
  test.each(['read', 'write'])('a stream that would %s past 2^63, and one of a directory', (kind) => {
    const name = `filesystem_types_descriptor_${kind}_via_stream`;
    const at = (descriptor: number, offset: number) => {
      const given = served.get(name, 5, descriptor, offset);
      return [given[0], given[4]];
    };
    expect(at(file(), -1)).toEqual([1, INVALID]);
    expect(at(preopen(), 0)).toEqual([1, IS_DIRECTORY]);
  });

  test('a time that preview 1 cannot say', () => {
    const set = (kind: number, seconds: number) =>
      served.get('filesystem_types_descriptor_set_times', 2, file(), kind, seconds, 0, 0, 0, 0);
    expect(set(2, 18_446_744_000)[0]).toBe(0);
    expect(set(2, 18_446_744_074)).toEqual([1, OVERFLOW]);
    expect(set(0, 18_446_744_074)[0]).toBe(0);
    const at = [preopen(), 0, ...served.put(Buffer.from('f'))];
    expect(served.get('filesystem_types_descriptor_set_times_at', 2, ...at, 0, 0, 0, 2, 18_446_744_074, 0)).toEqual([
      1,
      OVERFLOW,
    ]);
  });

  test('an error closes a stream', () => {
    const input = stream('read');
    errors.fd_pread = EIO;
    const first = served.get('io_streams_input_stream_read', 12, input, 1);
    expect([first[0], first[4]]).toEqual([1, 0]);
    const code = served.get('filesystem_types_filesystem_error_code', 2, first[8]);
    expect(code).toEqual([1, IO]);
    expect(served.get('sockets_network_network_error_code', 2, first[8])).toEqual([0, 0]);
    errors = {};
    for (const length of [1, 0]) {
      expect(served.get('io_streams_input_stream_read', 5, input, length)).toEqual([1, 0, 0, 0, 1]);
    }
    const output = stream('write');
    const at = served.put(Buffer.from('text'));
    expect(served.get('io_streams_output_stream_write', 1, output, ...at)).toEqual([0]);
    errors.fd_pwrite = EIO;
    const failed = served.get('io_streams_output_stream_write', 5, output, ...at);
    expect([failed[0], failed[4]]).toEqual([1, 0]);
    errors = {};
    expect(served.get('io_streams_output_stream_write', 5, output, 512, 0)).toEqual([1, 0, 0, 0, 1]);
    expect(served.get('io_streams_output_stream_flush', 5, output)).toEqual([1, 0, 0, 0, 1]);
    expect(served.get('io_streams_output_stream_check_write', 9, output)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(served.get('io_streams_output_stream_splice', 9, output, input, 1)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  test('/dev/null is no terminal', () => {
    expect(served.get('cli_terminal_stdin_get_terminal_stdin', 1)).toEqual([0]);
    seekable = false;
    expect(served.get('cli_terminal_stdin_get_terminal_stdin', 1)).toEqual([1]);
  });
});
