/** The identity of a hostile image: refused before it becomes anything, and never seen by native code. */

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { Packr } from 'msgpackr/pack';
import { beforeAll, describe, expect, test } from 'vitest';
import { LimitError } from '../../../../src/base/errors.js';
import { openImage, readImage } from '../../../../src/image/reader.js';
import { encodeIdentity, type Identity } from '../../../../src/image/tables/identity.js';
import { decodeIdentity, decodeOutline } from '../../../../src/image/tables/identity-decoder.js';
import { SECTION } from '../../../../src/image/tables/sections.js';
import { withSection } from '../../../support/forged-image.js';
import { type Built, build, temporaryFolder } from '../../../support/workload.js';

const folder = temporaryFolder();
let built: Built;
let bytes: Uint8Array;

beforeAll(async () => {
  built = await build(Buffer.from('(module (func (export "_start")))'), join(folder, 'image'));
  bytes = built.image.sectionBytes(SECTION.identity);
});

/** The identity with some fields replaced. */
function changed(changes: Record<string, unknown>): Uint8Array {
  return new Packr({ useRecords: false }).pack({ ...built.image.identity, ...changes });
}

const hex = (text: string) => Buffer.from(text, 'hex');

describe('an identity', () => {
  test('comes back, and its outline alone', () => {
    const { identity } = built.image;
    expect(decodeIdentity(bytes)).toEqual(identity);
    const { format, siteTables, compiler, arch, deterministic, modules, data, text } = identity;
    expect(decodeOutline(bytes)).toEqual({ format, siteTables, compiler, arch, deterministic, modules, data, text });
  });

  test.each([
    ['empty maps', Buffer.concat([hex('dd00a00000'), Buffer.alloc(0xa00000, 0x80)]), /has more than 10000000 items/],
    ['arrays within arrays', Buffer.alloc(1 << 20, 0x91), /more than 8 arrays and maps within one another/],
    ['a record', hex('81a161d47241'), /has an extension/],
    ['cut off', hex('dd7fffffff'), /has more than/],
    ['cut off in a text', hex('81a161db7fffffff'), /is cut off/],
  ])('of %s is refused before it is decoded', (_, hostile, message) => {
    expect(() => decodeIdentity(hostile)).toThrow(message);
    expect(() => decodeOutline(hostile)).toThrow(/has more than|is not a map|extension|is cut off/);
  });

  test.each([
    ['modules', { modules: Array.from({ length: 2000 }, () => ({})) }],
    ['instances', { instances: new Array(2000).fill(1) }],
    ['types', { types: new Array(100_000).fill(1) }],
    ['types', { types: [{ params: 'x', results: Buffer.alloc(0) }] }],
    ['types', { types: [{ params: Buffer.alloc(0), results: Buffer.alloc(0), slots: -1 }] }],
    ['trampolines', { trampolines: [null] }],
    ['trampolines', { trampolines: [{ type: 0, start: 1.5, returnOffset: 0, slots: 0 }] }],
  ])('with wrong %s is refused in one line', (field, changes) => {
    expect(() => decodeIdentity(changed(changes))).toThrow(
      new RegExp(`^damaged image: identity: ${field}[^\n]{0,80}$`),
    );
  });

  test.each([
    ['image format 4', { format: 4 }],
    ['image format 4', { format: 4, siteTables: 9, trampolines: 'of another kind' }],
    ['site tables of version 4', { siteTables: 4 }],
  ])('of %s is of a newer wag-snap, which is what to use', (what, changes) => {
    const hostile = changed({ ...changes, compiler: '7.1.0' } as never);
    for (const decode of [decodeIdentity, decodeOutline]) {
      const refused = expect.objectContaining({
        code: 'newer-image',
        message: expect.stringContaining(`has ${what}, `),
      });
      expect(() => decode(hostile)).toThrow(refused);
      expect(() => decode(hostile)).toThrow(/reads 1 to 3\. Use wag-snap 7\.1\.0 or a later one/);
    }
  });

  test('of a newer wag-snap makes a newer image', () => {
    const whole = built.image.source.read(0, built.image.source.size);
    const newer = withSection(whole, SECTION.identity, changed({ format: 4 }));
    expect(() => readImage(newer)).toThrow(expect.objectContaining({ code: 'newer-image' }));
  });

  test('of a newer wag-snap with a strange name does not say it', () => {
    const hostile = changed({ format: 4, compiler: '7\x1b[31m' });
    expect(() => decodeIdentity(hostile)).toThrow(/Use that or a later one/);
  });

  test('of before has no version of site tables, and is format 1', () => {
    const { siteTables, ...rest } = built.image.identity;
    const before = new Packr({ useRecords: false }).pack({ ...rest, format: 1 });
    expect(siteTables).toBe(3);
    expect(decodeIdentity(before).siteTables).toBeUndefined();
    expect(decodeOutline(before).format).toBe(1);
    for (const wrong of [{ format: 0 }, { format: 1.5 }, { siteTables: 0 }, { siteTables: 'x' }]) {
      expect(() => decodeIdentity(changed(wrong as never))).toThrow(/^damaged image: identity: (format|siteTables)/);
    }
  });

  test('that would not be read again is not written', () => {
    const types = Array.from({ length: 70_000 }, () => ({ params: new Uint8Array(1000), results: new Uint8Array(0) }));
    const identity: Identity = { ...built.image.identity, types };
    expect(() => encodeIdentity(identity)).toThrow(LimitError);
  });

  test('longer than is worth reading is refused unread', () => {
    const image = withSection(built.image.source.read(0, built.image.source.size), SECTION.identity, bytes, 1 << 27);
    const large = Buffer.concat([image, Buffer.alloc(1 << 27)]);
    expect(() => readImage(large)).toThrow(/its identity has 134217728 bytes, more than 67108864/);
    expect(() => openImage(image.subarray(0, image.length), 10)).toThrow(/beyond the file's end/);
  });
});

test('what decodes it is JavaScript', () => {
  const report = `process.on('exit', () => console.log(JSON.stringify(process.report.getReport().sharedObjects)))`;
  const hook = `data:text/javascript,${encodeURIComponent(report)}`;
  const cli = resolve(import.meta.dirname, '../../../../bin/wag-snap');
  const { stdout, status } = spawnSync(process.execPath, ['--import', hook, cli, 'inspect', built.path], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  const libraries: string[] = JSON.parse(stdout.trim().split('\n').at(-1)!);
  expect(libraries.length).toBeGreaterThan(0);
  expect(libraries.filter((path) => path.endsWith('.node'))).toEqual([]);
});
