/**
 * Makes hostile stores of an intact one, reproducibly: bytes of documents changed, cut off and inserted; values that
 * somebody may want them to have, with all digests made right again; files that are folders, links, FIFOs or huge; names
 * that no tool of ours gives.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

type Container = Record<string, unknown> | unknown[];
interface Linked {
  digest: string;
  size: number;
}
interface Document {
  manifests?: Linked[];
  layers?: Linked[];
  config?: Linked;
}

const WORDS = [
  'sha256:',
  `sha256:${'0'.repeat(64)}`,
  'sha256:../../../../../../etc/passwd',
  `sha512:${'0'.repeat(128)}`,
  '../../../../etc/passwd',
  'job:1',
  'job:..',
  '-1',
  '1e999',
  'null',
  '{"a":',
  '__proto__',
  'constructor',
  '\u001b]0;owned\u0007',
  '\u001b[2J\u009b31m',
  'a\nb\rc\0d',
  '\u202egpj.exe',
  '\ud800',
  '9'.repeat(40),
  'x'.repeat(5000),
  '2026-11-28T00:00:00Z',
  '+275760-09-13T00:00:00Z',
];
const VALUES: readonly unknown[] = [
  ...WORDS,
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  2 ** 60,
  1e308,
  [],
  {},
  [[[]]],
  { __proto__: null },
];
const DEEP = ['['.repeat(200_000), `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, '{'.repeat(1_000_000)];
const NAMES = [
  '..x',
  '-rf',
  'a\nb',
  '\u001b[31mred',
  'wag-snap-0123456789ab-1-1-00000000',
  'wag-snap-0-4294967295-99999999999999999999-0',
  `.wag-snap-0123456789ab-1-1-00000000.tmp`,
  `${'0'.repeat(64)}`,
  `${'0'.repeat(64)}.wag-snap-0123456789ab-1-1-00000000.tmp`,
  'x'.repeat(255),
];

export class StoreMutator {
  /** What was done, for a report. */
  what = '';

  /**
   * @param store a copy that may be changed
   * @param outside a folder with a file `secret`, which links lead to
   * @param next random numbers in [0, 1)
   */
  constructor(
    private readonly store: string,
    private readonly outside: string,
    private readonly next: () => number,
  ) {}

  mutate(): void {
    const kind = this.below(100);
    if (kind < 30) this.scrambleDocument();
    else if (kind < 60) this.forgeDocument();
    else if (kind < 70) this.forgeLayer();
    else if (kind < 85) this.replaceFile();
    else if (kind < 95) this.addName();
    else this.writeDeep();
  }

  private below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  private oneOf<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  private path(...names: string[]): string {
    return join(this.store, ...names);
  }

  private blobs(isDocument: boolean): string[] {
    return readdirSync(this.path('blobs', 'sha256'))
      .map((name) => this.path('blobs', 'sha256', name))
      .filter((path) => statSync(path).size < 5000 === isDocument);
  }

  private documents(): string[] {
    const [index, layout] = [this.path('index.json'), this.path('oci-layout')];
    return [index, index, index, layout, ...this.blobs(true)];
  }

  private scrambleDocument(): void {
    const path = this.oneOf(this.documents());
    this.what = `bytes of ${path}`;
    writeFileSync(path, this.scrambled(readFileSync(path)));
  }

  private scrambled(bytes: Buffer): Buffer {
    const at = this.below(bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (this.below(5)) {
      case 0: {
        const changed = Buffer.from(bytes);
        changed[at]! ^= 1 << this.below(8);
        return changed;
      }
      case 1:
        return before;
      case 2:
        return Buffer.concat([before, Buffer.from(this.oneOf(WORDS)), after]);
      case 3: {
        const strings = [...bytes.toString('latin1').matchAll(/"[^"]{1,80}"/g)];
        if (strings.length === 0) return before;
        const { 0: text, index } = this.oneOf(strings);
        const word = Buffer.from(JSON.stringify(this.oneOf(WORDS)));
        return Buffer.concat([bytes.subarray(0, index), word, bytes.subarray(index + text.length)]);
      }
      default: {
        const to = this.below(bytes.length);
        return Buffer.concat([before, bytes.subarray(Math.min(at, to), Math.max(at, to)), after]);
      }
    }
  }

  /** Other values in a document that is found by a right digest. */
  private forgeDocument(): void {
    const index = JSON.parse(readFileSync(this.path('index.json'), 'utf8')) as Document;
    const entry = this.oneOf(index.manifests ?? []);
    const depth = this.below(3);
    if (depth === 0) {
      this.what = 'values of the index';
      this.changeValues(index as Container);
    } else {
      const manifest = this.parsed(entry);
      if (depth === 2 && manifest.config) {
        this.what = 'values of a config';
        const config = this.parsed(manifest.config);
        this.changeValues(config as Container);
        this.put(manifest.config, config);
      } else {
        this.what = 'values of a manifest';
        this.changeValues(manifest as Container);
      }
      this.put(entry, manifest);
    }
    writeFileSync(this.path('index.json'), JSON.stringify(index));
  }

  /** Bytes of a snapshot's file, which is found by a right digest. */
  private forgeLayer(): void {
    const index = JSON.parse(readFileSync(this.path('index.json'), 'utf8')) as Document;
    const entry = this.oneOf(index.manifests ?? []);
    const manifest = this.parsed(entry);
    const layer = this.oneOf(manifest.layers ?? []);
    this.what = 'bytes of a layer';
    const bytes = this.scrambled(readFileSync(this.pathOf(layer)));
    Object.assign(layer, this.putBytes(bytes));
    this.put(entry, manifest);
    writeFileSync(this.path('index.json'), JSON.stringify(index));
  }

  private pathOf({ digest }: Linked): string {
    return this.path('blobs', 'sha256', digest.slice(7));
  }

  private parsed(linked: Linked): Document {
    return JSON.parse(readFileSync(this.pathOf(linked), 'utf8')) as Document;
  }

  private put(linked: Linked, document: Document): void {
    Object.assign(linked, this.putBytes(Buffer.from(JSON.stringify(document))));
  }

  private putBytes(bytes: Buffer): Linked {
    const linked = { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length };
    writeFileSync(this.pathOf(linked), bytes);
    return linked;
  }

  /** Walks down by chance, and changes what it ends at. */
  private changeValues(document: Container): void {
    for (let count = 1 + this.below(3); count > 0; count--) {
      let container = document as Record<string, unknown>;
      for (;;) {
        const keys = Object.keys(container);
        if (keys.length === 0) break;
        const key = this.oneOf(keys);
        const value = container[key];
        if (typeof value === 'object' && value !== null && this.next() < 0.9) {
          container = value as Record<string, unknown>;
          continue;
        }
        const choice = this.below(10);
        if (choice === 0) delete container[key];
        else if (choice === 1) container[this.oneOf(WORDS)] = value;
        else if (choice === 2 && Array.isArray(container)) container.push(...container.slice(0, 3));
        else container[key] = this.oneOf(VALUES);
        break;
      }
    }
  }

  /** Another kind of file in the place of one. */
  private replaceFile(): void {
    const layers = this.blobs(false);
    const own = ['index.json', 'oci-layout', 'blobs', 'blobs/sha256', 'ingest', 'lock'].map((name) => this.path(name));
    const path = this.oneOf([...own, ...own, ...this.blobs(true), ...layers]);
    const kind = this.oneOf([
      'file',
      'folder',
      'link to a folder',
      'link to a file',
      'link',
      'loop',
      'zeros',
      'FIFO',
      'huge',
    ]);
    this.what = `${path} is: ${kind}`;
    const { size } = statSync(path);
    rmSync(path, { recursive: true, force: true });
    this.make(path, kind, layers.includes(path) ? size : 2 ** 40);
  }

  private make(path: string, kind: string, size = 2 ** 40): void {
    if (kind === 'file') return writeFileSync(path, '');
    if (kind === 'folder') return void mkdirSync(path);
    if (kind === 'link to a folder') return symlinkSync(this.outside, path);
    if (kind === 'link to a file') return symlinkSync(join(this.outside, 'secret'), path);
    if (kind === 'link') return symlinkSync(join(this.outside, 'not-there'), path);
    if (kind === 'loop') return symlinkSync(path, path);
    if (kind === 'zeros') return symlinkSync('/dev/zero', path);
    if (kind === 'FIFO') return void execFileSync('mkfifo', [path]);
    const fd = openSync(path, 'w');
    ftruncateSync(fd, size);
    closeSync(fd);
  }

  /** A name that is not the store's, old enough to be garbage. */
  private addName(): void {
    const folder = this.oneOf(['.', 'blobs', 'blobs/sha256', 'ingest', 'lock']);
    const path = this.path(folder, this.oneOf(NAMES));
    const kind = this.oneOf(['file', 'folder', 'link to a folder', 'link to a file', 'link', 'FIFO', 'huge']);
    this.what = `${JSON.stringify(path)} is there: ${kind}`;
    try {
      mkdirSync(this.path(folder), { recursive: true });
      this.make(path, kind);
      if (kind !== 'link') utimesSync(path, 1, 1);
    } catch (error) {
      // the target of a link is as it was
      if (!['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  private writeDeep(): void {
    const path = this.oneOf(this.documents());
    this.what = `${path} is deep`;
    writeFileSync(path, this.oneOf(DEEP));
  }
}
