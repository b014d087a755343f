/**
 * Fetches a blob into a file, and continues after faults from what is there: by a range where the registry knows ranges,
 * from its start where it does not. All bytes are hashed on their way; the file is whole only if the digest says so.
 */

import { createHash, type Hash } from 'node:crypto';
import { createReadStream, rmSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { reading } from '../../base/errors.js';
import { blobText, type RemoteBlob } from './blob.js';
import type { RegistryClient } from './client.js';
import { badAnswer, linkError, RegistryError } from './errors.js';
import { asLinkError } from './exchange.js';
import { SparseWriter } from './sparse-writer.js';

/** So many bytes between two faults are progress. */
const PROGRESS = 1 << 16;

export class Download {
  private hash: Hash = createHash('sha256');
  private at = 0;
  /** Whether bytes of an earlier command are in the file. */
  private isResumed = false;

  /**
   * @param path of the file; what is in it is believed to be its first bytes, until the digest tells
   * @param onDone told how many bytes are there
   */
  constructor(
    private readonly client: RegistryClient,
    private readonly blob: RemoteBlob,
    private readonly path: string,
    private readonly onDone: (bytes: number) => void = () => {},
  ) {}

  /**
   * The file is whole and durable afterwards.
   *
   * @throws RegistryError; then a later Download continues. InputError when other bytes come; then the file is gone
   */
  async run(): Promise<void> {
    await this.resume();
    const patience = this.client.patience();
    for (;;) {
      const before = this.at;
      try {
        if (this.at < this.blob.size) await this.fetchRest();
        else await (await SparseWriter.open(this.path, this.at)).close(true);
        this.check();
        return;
      } catch (error) {
        if (error instanceof DamagedError) {
          rmSync(this.path, { force: true });
          if (!this.isResumed) throw badAnswer(this.client.where, error.message);
          this.restart();
          continue;
        }
        if (error instanceof RegistryError && error.status === 416 && this.at > 0) {
          this.restart();
          continue;
        }
        if (this.at - before >= PROGRESS) patience.moved();
        await patience.after(error);
      }
    }
  }

  private async resume(): Promise<void> {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    if (size === 0 || size > this.blob.size) return;
    this.isResumed = true;
    try {
      for await (const piece of createReadStream(this.path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
        this.client.signal.throwIfAborted();
        this.hash.update(piece);
        this.at += piece.length;
        this.onDone(this.at);
      }
    } catch (error) {
      reading(this.path, () => {
        throw error;
      });
    }
  }

  private restart(): void {
    this.isResumed = false;
    this.hash = createHash('sha256');
    this.at = 0;
  }

  private async fetchRest(): Promise<void> {
    const { digest, size } = this.blob;
    const response = await this.client.send(`blobs/${digest}`, {
      method: 'GET',
      ...(this.at === 0 ? {} : { headers: { range: `bytes=${this.at}-` } }),
      expect: this.at === 0 ? [200] : [200, 206],
      what: blobText(this.blob),
    });
    if (response.statusCode === 200 && this.at > 0) this.restart();
    this.checkRange(response);
    const file = await SparseWriter.open(this.path, this.at);
    let isWhole = false;
    try {
      for await (const piece of response as AsyncIterable<Buffer>) {
        if (this.at + piece.length > size) {
          throw new DamagedError(`${blobText(this.blob)}: has more than the ${size} bytes that its manifest says`);
        }
        this.hash.update(piece);
        await file.write(piece);
        this.at += piece.length;
        this.onDone(this.at);
      }
      isWhole = this.at === size;
    } catch (error) {
      throw asLinkError(error, this.client.where);
    } finally {
      response.destroy();
      await file.close(isWhole);
    }
    if (!isWhole) throw linkError(this.client.where, `${blobText(this.blob)}: ended after ${this.at} of ${size} bytes`);
  }

  private checkRange({ statusCode, headers }: IncomingMessage): void {
    const { size } = this.blob;
    const range = headers['content-range'];
    if (statusCode === 206 && range !== `bytes ${this.at}-${size - 1}/${size}`) {
      throw new DamagedError(`${blobText(this.blob)}: another range has come than was asked for`);
    }
    const length = headers['content-length'];
    if (length !== undefined && Number(length) !== size - this.at) {
      throw new DamagedError(
        `${blobText(this.blob)}: has ${length} bytes, not the ${size - this.at} that its manifest says`,
      );
    }
  }

  private check(): void {
    const found = `sha256:${this.hash.digest('hex')}`;
    if (found !== this.blob.digest) throw new DamagedError(`${blobText(this.blob)}: damaged: its digest is ${found}`);
  }
}

/** What came is not the blob. */
class DamagedError extends Error {}
