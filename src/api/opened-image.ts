/** Images of the library: compiled just now, or read from a file. */

import { UsageError } from '../base/errors.js';
import { type Destination, writeAt, writeOutput } from '../base/output.js';
import type { CompiledImage } from '../compile/link/compile.js';
import { type ImageDescription as ImageReader, readImage } from '../image/reader.js';
import type { Identity } from '../image/tables/identity.js';
import type { ImageDescription } from './description.js';
import type { Image, ImageModule } from './image.js';

/** Permissions of an executable, before the umask. */
const MODE = 0o777;
const CHUNK = 1 << 24;

export abstract class OpenedImage implements Image {
  readonly kind = 'image';

  /** @param file the image's name, for people */
  protected constructor(
    readonly path: string | undefined,
    protected readonly identity: Identity,
    readonly size: number,
    private readonly file: string,
  ) {}

  /** Reads its tables; it stays open. */
  abstract reader(): ImageReader;
  abstract bytes(): Uint8Array;
  /** @throws OutputError, ToolError */
  abstract write(to: Destination | string): Promise<void>;
  abstract close(): void;

  get arch(): Image['arch'] {
    return this.identity.arch;
  }

  get compiler(): string {
    return this.identity.compiler;
  }

  get deterministic(): boolean {
    return this.identity.deterministic;
  }

  get codeSize(): number {
    return this.identity.text.codeSize;
  }

  get modules(): readonly ImageModule[] {
    const guests = this.identity.modules.filter(({ host }) => !host);
    return guests.map(({ name, sha256, size }) => ({ name, sha256, size }));
  }

  moduleBytes(index = this.modules.length - 1): Uint8Array | undefined {
    return this.reader().moduleBytes(index + 1); // the host layer is module 0
  }

  async describe(): Promise<ImageDescription> {
    const { checkImage, imageFacts } = await import('./describe-image.js');
    checkImage(this.reader());
    return { kind: 'image', file: this.file, ...imageFacts(this.reader()) };
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** An image that was compiled just now. */
export class NewImage extends OpenedImage {
  private opened: ImageReader | undefined;

  constructor(
    private readonly image: CompiledImage,
    file: string,
  ) {
    super(undefined, image.identity, image.size, file);
  }

  reader(): ImageReader {
    return (this.opened ??= readImage(this.image.bytes));
  }

  bytes(): Uint8Array {
    return this.image.bytes;
  }

  async write(to: Destination | string): Promise<void> {
    const { writeImage } = await import('../compile/link/write-file.js');
    writeImage(this.image, to);
  }

  close(): void {
    // nothing to close: the image is in memory
  }
}

/** An image in a file. */
export class ImageInFile extends OpenedImage {
  private isOpen = true;

  /** @throws InputError when the file is not an image or is damaged, ToolError when it cannot be read */
  static open(path: string): ImageInFile {
    return new ImageInFile(path, readImage(path));
  }

  private constructor(
    override readonly path: string,
    private readonly image: ImageReader,
  ) {
    super(path, image.identity, image.source.size, path);
  }

  reader(): ImageReader {
    if (!this.isOpen) throw new UsageError(`${this.path}: the image has been closed`);
    return this.image;
  }

  bytes(): Uint8Array {
    return this.reader().source.read(0, this.size);
  }

  async write(to: Destination | string): Promise<void> {
    const { source } = this.reader();
    const fill = (fd: number) => {
      for (let at = 0; at < this.size; at += CHUNK) {
        writeAt(fd, source.read(at, Math.min(CHUNK, this.size - at)), at);
      }
    };
    writeOutput(to, fill, MODE);
  }

  close(): void {
    if (this.isOpen) this.image.close();
    this.isOpen = false;
  }
}
