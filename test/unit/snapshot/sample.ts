/** Snapshots made by hand, for tests: one of everything. */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Frames, type Snapshot, type SnapshotMemory } from '../../../src/snapshot/snapshot.js';
import { SnapshotWriter } from '../../../src/snapshot/writer.js';
import { ValType } from '../../../src/wasm/module.js';
import { BytesSource } from '../../support/bytes-source.js';

export const MODULE_BYTES = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const text = (value: string) => new TextEncoder().encode(value);

/** A temporary folder that is gone when `use` is done. */
export async function inFolder<T>(use: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-test-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `depth` frames of one function below a loop, above a bottom frame. */
export function sampleFrames(depth = 3): Frames {
  const sites = [
    {
      instance: 0,
      func: 4,
      offset: 17,
      kind: 'loop' as const,
      locals: Uint8Array.of(ValType.I32, ValType.F64),
      operands: Uint8Array.of(ValType.I64),
    },
    {
      instance: 0,
      func: 3,
      offset: 9,
      kind: 'call' as const,
      locals: Uint8Array.of(ValType.I32, ValType.FuncRef),
      operands: Uint8Array.of(),
    },
    {
      instance: 0,
      func: 2,
      offset: 2,
      kind: 'call' as const,
      locals: Uint8Array.of(),
      operands: Uint8Array.of(ValType.ExternRef, ValType.F32),
    },
  ];
  const siteOf = new Uint32Array(depth + 2).fill(1);
  siteOf[0] = 0;
  siteOf[depth + 1] = 2;
  const words = new Uint32Array((3 + depth * 2 + 2) * 2);
  words.set([0xffffffff, 0, 0x12345678, 0x7ff80000, 5, 0x80000000]);
  for (let i = 0; i < depth; i++) words.set([i, 0, 7, 1], 6 + i * 4);
  words.set([10, 0, 0x3f800000, 0], 6 + depth * 4);
  return new Frames(sites, siteOf, words);
}

export function sampleSnapshot(memories: readonly SnapshotMemory[], moduleOffset: number | undefined): Snapshot {
  const empty = new Uint8Array(0);
  const plain = { path: empty, preopen: 0, guestName: empty, hostPath: empty, readOnly: false, flags: 0, openFlags: 0 };
  const none = { rights: 0n, rightsInheriting: 0n, offset: 0n, cookie: 0n };
  return {
    generation: 2,
    created: 1_700_000_000_000,
    parent: undefined,
    source: { arch: 'x64', compiler: '0.1.0', deterministic: true },
    state: 'running',
    phase: { instance: 0, kind: 'entry' },
    modules: [
      {
        name: 'sample',
        sha256: createHash('sha256').update(MODULE_BYTES).digest('hex'),
        size: MODULE_BYTES.length,
        fileOffset: moduleOffset,
      },
    ],
    instances: [
      {
        module: 0,
        globals: [
          { type: ValType.I32, lo: 0x80000000, hi: 0 },
          { type: ValType.I64, lo: 1, hi: 0xffffffff },
          { type: ValType.FuncRef, lo: 3, hi: 1 },
          { type: ValType.ExternRef, lo: 0, hi: 1 },
        ],
        tables: [{ type: ValType.FuncRef, elements: Uint32Array.of(0, 0, 4, 1), max: 10 }],
        memories,
        droppedData: Uint8Array.of(1, 0),
        droppedElements: Uint8Array.of(),
      },
    ],
    frames: sampleFrames(),
    host: {
      descriptors: [
        { fd: 0, kind: 'stdio', ...plain, ...none, rights: 0xffffffffffffffffn },
        { fd: 3, kind: 'preopen', ...plain, ...none, guestName: text('/'), hostPath: text('/tmp') },
        { fd: 4, kind: 'file', ...plain, ...none, path: text('a/ä'), preopen: 3, openFlags: 3, offset: 1n << 40n },
        { fd: 5, kind: 'directory', ...plain, ...none, path: text('.'), preopen: 3, cookie: 12345678901234567890n },
      ],
      args: [text('program'), Uint8Array.of(0xff, 0xfe), empty],
      env: [text('A=B')],
      monotonic: 1234567890123456789n,
      pendingTimeout: 5_000_000_000n,
    },
  };
}

/** Bytes of a memory of `pages` pages: something in pages 1, 2 and 5, with zero blocks between. */
export function sampleMemory(pages = 8): Buffer {
  const bytes = Buffer.alloc(pages * 65536);
  bytes.fill(0xab, 65536 + 4095, 65536 + 8193);
  bytes[2 * 65536 + 65535] = 1;
  bytes.writeUInt32LE(7, 5 * 65536 + 12288);
  return bytes;
}

/** Writes the sample with `sampleMemory()` and, before it, an empty memory. */
export async function writeSample(path: string): Promise<Snapshot> {
  const writer = new SnapshotWriter(path);
  const moduleOffset = writer.addModule(MODULE_BYTES);
  const memory = await writer.pages.takePages(new BytesSource(sampleMemory()));
  const snapshot = sampleSnapshot(
    [
      { pages: 0, maxPages: 65536, extents: [], blocks: new Uint16Array(0) },
      { pages: 8, maxPages: 16, ...memory },
    ],
    moduleOffset,
  );
  await writer.seal(snapshot);
  await writer.commit();
  return snapshot;
}
