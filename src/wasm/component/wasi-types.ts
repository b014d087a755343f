/**
 * The types of the functions of WASI 0.2 that we implement (src/runtime/interfaces), from its WIT. They are the same in
 * all versions 0.2.x. type-text.ts says how they are written.
 */

/** Resources, by interface and name there. */
export const RESOURCES: ReadonlyMap<string, string> = new Map(
  [
    'cli/terminal-input terminal-input',
    'cli/terminal-output terminal-output',
    'filesystem/types descriptor',
    'filesystem/types directory-entry-stream',
    'io/error error',
    'io/poll pollable',
    'io/streams input-stream',
    'io/streams output-stream',
    'sockets/ip-name-lookup resolve-address-stream',
    'sockets/network network',
    'sockets/tcp tcp-socket',
    'sockets/udp udp-socket',
  ].map((name) => [name, name.slice(name.indexOf(' ') + 1)]),
);

/** Names of types by what they are; names of those before stand in those after. */
export const NAMED: ReadonlyMap<string, string> = new Map([
  ['record {seconds: u64, nanoseconds: u32}', 'datetime'],
  ['variant {no-change, now, timestamp(datetime)}', 'new-timestamp'],
  ['variant {last-operation-failed(own<error>), closed}', 'stream-error'],
  [
    'enum {unknown, block-device, character-device, directory, fifo, symbolic-link, regular-file, socket}',
    'descriptor-type',
  ],
  [
    'flags {read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory}',
    'descriptor-flags',
  ],
  [
    'record {type: descriptor-type, link-count: u64, size: u64, data-access-timestamp: option<datetime>, ' +
      'data-modification-timestamp: option<datetime>, status-change-timestamp: option<datetime>}',
    'descriptor-stat',
  ],
  ['flags {symlink-follow}', 'path-flags'],
  ['flags {create, directory, exclusive, truncate}', 'open-flags'],
  ['enum {normal, sequential, random, will-need, dont-need, no-reuse}', 'advice'],
  ['record {type: descriptor-type, name: string}', 'directory-entry'],
  ['record {lower: u64, upper: u64}', 'metadata-hash-value'],
  [
    'enum {access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large, ' +
      'illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links, ' +
      'message-size, name-too-long, no-device, no-entry, no-lock, insufficient-memory, insufficient-space, ' +
      'not-directory, not-empty, not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted, ' +
      'pipe, read-only, invalid-seek, text-file-busy, cross-device}',
    'error-code',
  ],
  [
    'enum {unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout, concurrency-conflict, ' +
      'not-in-progress, would-block, invalid-state, new-socket-limit, address-not-bindable, address-in-use, ' +
      'remote-unreachable, connection-refused, connection-reset, connection-aborted, datagram-too-large, ' +
      'name-unresolvable, temporary-resolver-failure, permanent-resolver-failure}',
    'network-error-code',
  ],
  ['enum {ipv4, ipv6}', 'ip-address-family'],
]);

const INPUT = 'io/streams [method]input-stream.';
const OUTPUT = 'io/streams [method]output-stream.';
const DESCRIPTOR = 'filesystem/types [method]descriptor.';
const GIVE_BYTES = '(borrow<input-stream>, u64) -> result<list<u8>, stream-error>';
const SKIP = '(borrow<input-stream>, u64) -> result<u64, stream-error>';
const WRITE = '(borrow<output-stream>, list<u8>) -> result<_, stream-error>';
const FLUSH = '(borrow<output-stream>) -> result<_, stream-error>';
const ZEROES = '(borrow<output-stream>, u64) -> result<_, stream-error>';
const SPLICE = '(borrow<output-stream>, borrow<input-stream>, u64) -> result<u64, stream-error>';
const AT_PATH = '(borrow<descriptor>, string) -> result<_, error-code>';
const DO = '(borrow<descriptor>) -> result<_, error-code>';

/** By interface and name of the function. */
export const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['cli/environment get-environment', '() -> list<tuple<string, string>>'],
  ['cli/environment get-arguments', '() -> list<string>'],
  ['cli/environment initial-cwd', '() -> option<string>'],
  ['cli/exit exit', '(result)'],
  ['cli/exit exit-with-code', '(u8)'],
  ['cli/stdin get-stdin', '() -> own<input-stream>'],
  ['cli/stdout get-stdout', '() -> own<output-stream>'],
  ['cli/stderr get-stderr', '() -> own<output-stream>'],
  ['cli/terminal-stdin get-terminal-stdin', '() -> option<own<terminal-input>>'],
  ['cli/terminal-stdout get-terminal-stdout', '() -> option<own<terminal-output>>'],
  ['cli/terminal-stderr get-terminal-stderr', '() -> option<own<terminal-output>>'],
  ['clocks/monotonic-clock now', '() -> u64'],
  ['clocks/monotonic-clock resolution', '() -> u64'],
  ['clocks/monotonic-clock subscribe-instant', '(u64) -> own<pollable>'],
  ['clocks/monotonic-clock subscribe-duration', '(u64) -> own<pollable>'],
  ['clocks/wall-clock now', '() -> datetime'],
  ['clocks/wall-clock resolution', '() -> datetime'],
  ['filesystem/preopens get-directories', '() -> list<tuple<own<descriptor>, string>>'],
  [`${DESCRIPTOR}read-via-stream`, '(borrow<descriptor>, u64) -> result<own<input-stream>, error-code>'],
  [`${DESCRIPTOR}write-via-stream`, '(borrow<descriptor>, u64) -> result<own<output-stream>, error-code>'],
  [`${DESCRIPTOR}append-via-stream`, '(borrow<descriptor>) -> result<own<output-stream>, error-code>'],
  [`${DESCRIPTOR}advise`, '(borrow<descriptor>, u64, u64, advice) -> result<_, error-code>'],
  [`${DESCRIPTOR}sync-data`, DO],
  [`${DESCRIPTOR}get-flags`, '(borrow<descriptor>) -> result<descriptor-flags, error-code>'],
  [`${DESCRIPTOR}get-type`, '(borrow<descriptor>) -> result<descriptor-type, error-code>'],
  [`${DESCRIPTOR}set-size`, '(borrow<descriptor>, u64) -> result<_, error-code>'],
  [`${DESCRIPTOR}set-times`, '(borrow<descriptor>, new-timestamp, new-timestamp) -> result<_, error-code>'],
  [`${DESCRIPTOR}read`, '(borrow<descriptor>, u64, u64) -> result<tuple<list<u8>, bool>, error-code>'],
  [`${DESCRIPTOR}write`, '(borrow<descriptor>, list<u8>, u64) -> result<u64, error-code>'],
  [`${DESCRIPTOR}read-directory`, '(borrow<descriptor>) -> result<own<directory-entry-stream>, error-code>'],
  [`${DESCRIPTOR}sync`, DO],
  [`${DESCRIPTOR}create-directory-at`, AT_PATH],
  [`${DESCRIPTOR}stat`, '(borrow<descriptor>) -> result<descriptor-stat, error-code>'],
  [`${DESCRIPTOR}stat-at`, '(borrow<descriptor>, path-flags, string) -> result<descriptor-stat, error-code>'],
  [
    `${DESCRIPTOR}set-times-at`,
    '(borrow<descriptor>, path-flags, string, new-timestamp, new-timestamp) -> result<_, error-code>',
  ],
  [
    `${DESCRIPTOR}link-at`,
    '(borrow<descriptor>, path-flags, string, borrow<descriptor>, string) -> result<_, error-code>',
  ],
  [
    `${DESCRIPTOR}open-at`,
    '(borrow<descriptor>, path-flags, string, open-flags, descriptor-flags) -> result<own<descriptor>, error-code>',
  ],
  [`${DESCRIPTOR}readlink-at`, '(borrow<descriptor>, string) -> result<string, error-code>'],
  [`${DESCRIPTOR}remove-directory-at`, AT_PATH],
  [`${DESCRIPTOR}rename-at`, '(borrow<descriptor>, string, borrow<descriptor>, string) -> result<_, error-code>'],
  [`${DESCRIPTOR}symlink-at`, '(borrow<descriptor>, string, string) -> result<_, error-code>'],
  [`${DESCRIPTOR}unlink-file-at`, AT_PATH],
  [`${DESCRIPTOR}is-same-object`, '(borrow<descriptor>, borrow<descriptor>) -> bool'],
  [`${DESCRIPTOR}metadata-hash`, '(borrow<descriptor>) -> result<metadata-hash-value, error-code>'],
  [
    `${DESCRIPTOR}metadata-hash-at`,
    '(borrow<descriptor>, path-flags, string) -> result<metadata-hash-value, error-code>',
  ],
  [
    'filesystem/types [method]directory-entry-stream.read-directory-entry',
    '(borrow<directory-entry-stream>) -> result<option<directory-entry>, error-code>',
  ],
  ['filesystem/types filesystem-error-code', '(borrow<error>) -> option<error-code>'],
  ['io/error [method]error.to-debug-string', '(borrow<error>) -> string'],
  ['io/poll [method]pollable.ready', '(borrow<pollable>) -> bool'],
  ['io/poll [method]pollable.block', '(borrow<pollable>)'],
  ['io/poll poll', '(list<borrow<pollable>>) -> list<u32>'],
  [`${INPUT}read`, GIVE_BYTES],
  [`${INPUT}blocking-read`, GIVE_BYTES],
  [`${INPUT}skip`, SKIP],
  [`${INPUT}blocking-skip`, SKIP],
  [`${INPUT}subscribe`, '(borrow<input-stream>) -> own<pollable>'],
  [`${OUTPUT}check-write`, '(borrow<output-stream>) -> result<u64, stream-error>'],
  [`${OUTPUT}write`, WRITE],
  [`${OUTPUT}blocking-write-and-flush`, WRITE],
  [`${OUTPUT}flush`, FLUSH],
  [`${OUTPUT}blocking-flush`, FLUSH],
  [`${OUTPUT}subscribe`, '(borrow<output-stream>) -> own<pollable>'],
  [`${OUTPUT}write-zeroes`, ZEROES],
  [`${OUTPUT}blocking-write-zeroes-and-flush`, ZEROES],
  [`${OUTPUT}splice`, SPLICE],
  [`${OUTPUT}blocking-splice`, SPLICE],
  ['random/random get-random-bytes', '(u64) -> list<u8>'],
  ['random/random get-random-u64', '() -> u64'],
  ['random/insecure get-insecure-random-bytes', '(u64) -> list<u8>'],
  ['random/insecure get-insecure-random-u64', '() -> u64'],
  ['random/insecure-seed insecure-seed', '() -> tuple<u64, u64>'],
  ['sockets/instance-network instance-network', '() -> own<network>'],
  [
    'sockets/ip-name-lookup resolve-addresses',
    '(borrow<network>, string) -> result<own<resolve-address-stream>, network-error-code>',
  ],
  ['sockets/network network-error-code', '(borrow<error>) -> option<network-error-code>'],
  ['sockets/tcp-create-socket create-tcp-socket', '(ip-address-family) -> result<own<tcp-socket>, network-error-code>'],
  ['sockets/udp-create-socket create-udp-socket', '(ip-address-family) -> result<own<udp-socket>, network-error-code>'],
]);
