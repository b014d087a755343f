/**
 * Sends a blob to a repository, if it is not there: in chunks, each of which may be lost.
 *
 *     HEAD blobs/DIGEST                          200: it is there
 *     POST blobs/uploads/?mount=DIGEST&from=…    201: it was in another repository; 202: Location is a session;
 *                                                refused: the same without mount and from
 *     PATCH session, Content-Range: from-to      202, again and again
 *     GET session                                after a fault: Range says what has arrived
 *     PUT session?digest=DIGEST                  201: the registry has checked it
 *
 * A fault is anything but these answers. The next try continues from what has arrived. When the session is gone, because
 * the registry has forgotten it or because the answer to PUT was lost, the blob is looked for and sent again.
 */

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { blobText, type RemoteBlob } from './blob.js';
import type { RegistryClient } from './client.js';
import { badAnswer, RegistryError } from './errors.js';

const CHUNK = 64 << 20;
/** A registry that refuses chunks for their size gets smaller ones, down to this. */
const CHUNK_MIN = 1 << 20;
/** Milliseconds for the registry to read the blob again and check it: those of any answer, and so many a MiB. */
const CHECKING = 60_000;
const CHECKING_MEBI = 50;
/** How often a blob is sent that arrives as another one. */
const DAMAGED_MAX = 2;
const GONE = [404, 410];

export interface LocalBlob extends RemoteBlob {
  /** Its bytes from `start` to before `end`. */
  read(start: number, end: number): Readable;
}

export type Outcome = 'present' | 'mounted' | 'sent';

/** Where the next chunk goes. */
interface Session {
  url: URL;
  at: number;
}

export class Upload {
  private chunk = CHUNK;
  private damaged = 0;

  /**
   * @param from another repository of the registry that may have it
   * @param onDone told how many bytes have been sent
   */
  constructor(
    private readonly client: RegistryClient,
    private readonly blob: LocalBlob,
    private readonly from?: string,
    private readonly onDone: (bytes: number) => void = () => {},
  ) {}

  /** @throws RegistryError, InputError; then the repository has all of it or nothing */
  async run(): Promise<Outcome> {
    if (await this.isThere()) return 'present';
    const patience = this.client.patience();
    let session: Session | undefined;
    for (let isFirst = true; ; isFirst = false) {
      try {
        if (session === undefined) {
          if (!isFirst && (await this.isThere())) return 'sent';
          session = await this.begin();
          if (session === undefined) return 'mounted';
        }
        await this.sendRest(session, () => patience.moved());
        await this.commit(session.url);
        return 'sent';
      } catch (error) {
        const isGone = this.isGone(error);
        await patience.after(isGone ? transient(error as RegistryError) : error);
        session = isGone ? undefined : session && (await this.arrived(session));
      }
    }
  }

  private async isThere(): Promise<boolean> {
    const response = await this.client.sendAgain(`blobs/${this.blob.digest}`, {
      method: 'HEAD',
      expect: [200, 404],
      what: blobText(this.blob),
    });
    response.resume();
    return response.statusCode === 200;
  }

  /** @returns undefined: it was in another repository, and is in this one now */
  private async begin(): Promise<Session | undefined> {
    const { from } = this;
    const response =
      from === undefined
        ? await this.post('', [202])
        : await this.post(`?${new URLSearchParams({ mount: this.blob.digest, from })}`, [201, 202], from).catch(
            (error) => {
              if (!(error instanceof RegistryError) || error.status === undefined || error.isTransient) throw error;
              return this.post('', [202]); // who may write to this repository may not be allowed to read the other one
            },
          );
    if (response.statusCode === 201) return undefined;
    return this.sessionOf(response, 0, await this.client.addressNow('blobs/uploads/'), true);
  }

  private async post(query: string, expect: readonly number[], from?: string): Promise<IncomingMessage> {
    const { response } = await this.client.document(`blobs/uploads/${query}`, {
      method: 'POST',
      headers: { 'content-length': 0 },
      what: `an upload of ${blobText(this.blob)}`,
      ...{ expect, from },
    });
    return response;
  }

  /** @param before the address that has answered, which stays the session's when it names no other; not of a new one */
  private sessionOf(response: IncomingMessage, at: number, before: URL, isNew = false): Session {
    const least = Number(response.headers['oci-chunk-min-length'] ?? 0);
    if (least > this.chunk && least <= CHUNK * 16) this.chunk = least;
    if (!isNew && response.headers.location === undefined) return { url: before, at };
    return { url: this.client.addressIn(response, before), at };
  }

  private async sendRest(session: Session, onMoved: () => void): Promise<void> {
    const { size } = this.blob;
    while (session.at < size) {
      const { at, url } = session;
      const end = Math.min(at + this.chunk, size);
      const response = await this.client.send(url, {
        method: 'PATCH',
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': end - at,
          'content-range': `${at}-${end - 1}`,
        },
        body: () => this.counted(at, end),
        expect: [201, 202, 204],
        what: blobText(this.blob),
      });
      response.resume();
      Object.assign(session, this.sessionOf(response, end, url));
      onMoved();
    }
  }

  private counted(start: number, end: number): Readable {
    const { blob, onDone } = this;
    async function* pieces() {
      let at = start;
      onDone(at);
      for await (const piece of blob.read(start, end) as AsyncIterable<Buffer>) {
        yield piece;
        at += piece.length;
        onDone(at);
      }
    }
    return Readable.from(pieces(), { objectMode: false });
  }

  private async commit(session: URL): Promise<void> {
    const url = new URL(session);
    url.searchParams.set('digest', this.blob.digest);
    const response = await this.client.send(url, {
      method: 'PUT',
      headers: { 'content-length': 0 },
      expect: [201, 202, 204],
      what: blobText(this.blob),
      idle: CHECKING + Math.ceil(this.blob.size / 2 ** 20) * CHECKING_MEBI,
    });
    response.resume();
  }

  /** Whether a new session is needed. Makes chunks smaller for a registry that wants that. */
  private isGone(error: unknown): boolean {
    if (!(error instanceof RegistryError) || error.status === undefined) return false;
    if (error.status === 413 && this.chunk > CHUNK_MIN) {
      this.chunk = Math.max(CHUNK_MIN, this.chunk / 4);
      return true;
    }
    if (error.status === 400 && /DIGEST_INVALID/.test(error.message)) return ++this.damaged < DAMAGED_MAX;
    return GONE.includes(error.status) || error.status === 416;
  }

  /** How much of it has arrived. @returns undefined when nothing tells */
  private async arrived({ url }: Session): Promise<Session | undefined> {
    const response = await this.client.sendAgain(url, {
      method: 'GET',
      expect: [200, 202, 204, ...GONE, 400],
      what: `the upload of ${blobText(this.blob)}`,
    });
    response.resume();
    if (response.statusCode === undefined || response.statusCode >= 400) return undefined;
    const last = Number(/^(?:bytes=)?0-(\d{1,15})$/.exec(String(response.headers['range'] ?? ''))?.[1] ?? 0);
    if (last === 0) return undefined; // registries say 0-0 of nothing as well as of one byte
    if (last >= this.blob.size) {
      throw badAnswer(
        this.client.where,
        `says that ${last + 1} bytes of ${blobText(this.blob)} have arrived, which has ${this.blob.size}`,
      );
    }
    return this.sessionOf(response, last + 1, url);
  }
}

/** Another session may succeed. */
function transient({ headline }: RegistryError): RegistryError {
  return new RegistryError('registry-link', headline);
}
