/**
 * A registry that has been taken over. It knows what it should answer, and answers something else to one request or to
 * all of a kind. Whoever pulls from it, or pushes to it, gets an error or the right bytes, tells nobody else the login,
 * and has nothing of it afterwards.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pull } from '../../src/api/pull.js';
import { push } from '../../src/api/push.js';
import { createStore } from '../../src/api/store.js';
import { WagSnapError } from '../../src/base/errors.js';
import { type Asked, FakeRegistry, type Fault } from '../support/fake-registry.js';
import { random } from '../support/random.js';

const SNAPSHOT = resolve('fixtures/snapshots/v3/x64/generations.wsnap');
const REPOSITORY = 'team/job';
const SECRET = 'hunter2-of-the-user';
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal obeys
const OBEYED = /[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;
const STATUSES = [200, 201, 202, 204, 206, 301, 400, 401, 403, 404, 405, 410, 413, 416, 418, 429, 500, 503, 599];
const DIGESTS = ['', 'sha256:', `sha256:${'0'.repeat(64)}`, 'sha256:../../../outside', `sha512:${'0'.repeat(128)}`];
const VALUES: readonly unknown[] = [null, -1, 0, 1.5, 2 ** 53, 1e300, true, '', [], {}, '\u001b[31m', '../../outside'];
const NAMES = ['__proto__', 'digest', 'size', 'mediaType', 'annotations', 'layers', 'config', 'schemaVersion'];

export class HostileRegistry {
  /** How the actions ended: how often by code. */
  readonly ends = new Map<string, number>();
  private registry!: FakeRegistry;
  /** Where it leads the login to. */
  private thief!: FakeRegistry;
  private next: () => number = random(0);
  private readonly there: string;

  /** @param folder of its own */
  constructor(private readonly folder: string) {
    this.there = join(folder, 'there');
  }

  async prepare(): Promise<void> {
    [this.registry, this.thief] = [await FakeRegistry.start(), await FakeRegistry.start()];
    const auth = Buffer.from(`me:${SECRET}`).toString('base64');
    const path = join(this.folder, 'auth.json');
    writeFileSync(path, JSON.stringify({ auths: { [this.registry.host]: { auth } } }));
    process.env['REGISTRY_AUTH_FILE'] = path;
    await (await createStore(this.there)).import(SNAPSHOT, 'job');
    this.registry.fault = (asked) => this.askForLogin(asked);
    await push('job', this.name('1'), { store: this.there, plainHttp: true });
  }

  async close(): Promise<void> {
    for (const one of [this.registry, this.thief]) await one?.stop();
  }

  /** @returns what was wrong, if anything */
  async bear(seed: number): Promise<string | undefined> {
    const { registry, thief, there } = this;
    this.next = random(seed);
    registry.asked.length = 0;
    thief.asked.length = 0;
    const isPull = this.next() < 0.6;
    const [at, isAlways] = [this.below(7), this.next() < 0.3];
    registry.fault = (asked, number) => {
      const login = this.askForLogin(asked);
      if (login !== undefined) return login;
      return number === at || (isAlways && number > at) ? this.faultFor(asked) : undefined;
    };
    const here = join(this.folder, 'here');
    rmSync(here, { recursive: true, force: true });
    mkdirSync(here);
    const before = contentsOf(there);
    const tag = this.next() < 0.5 ? '1' : undefined;
    const wrong = await this.attempt(
      isPull
        ? () => pull(this.name(tag), 'job', { store: here, plainHttp: true })
        : () => push('job', `oci://${registry.host}/new/r${seed}:1`, { store: there, plainHttp: true }),
    );
    if (wrong !== undefined) return `${isPull ? 'pull' : 'push'}, request ${at}: ${wrong}`;
    if (contentsOf(there) !== before) return 'a push has changed the store';
    if (thief.asked.some(({ authorization }) => authorization !== undefined)) return 'another host has got the login';
    return damaged(here);
  }

  /** @param tag undefined: the newest is looked for */
  private name(tag: string | undefined): string {
    return `oci://${this.registry.host}/${REPOSITORY}${tag === undefined ? '' : `:${tag}`}`;
  }

  private askForLogin({ authorization }: Asked): Fault | undefined {
    if (authorization !== undefined) return undefined;
    return { kind: 'answer', status: 401, headers: { 'www-authenticate': 'Basic realm="registry"' } };
  }

  private async attempt(work: () => Promise<unknown>): Promise<string | undefined> {
    let end = 'done';
    try {
      await work();
    } catch (error) {
      if (!(error instanceof WagSnapError)) return `${(error as Error).stack}`;
      if (OBEYED.test(error.message)) return `a terminal obeys ${JSON.stringify(error.message)}`;
      if (error.message.includes(SECRET)) return 'its message says the password';
      end = error.code;
    }
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
    return undefined;
  }

  private faultFor(asked: Asked): Fault {
    const faults = [
      () => this.status(),
      () => this.otherBytes(asked),
      () => this.otherBytes(asked),
      () => this.leadsElsewhere(),
      () => this.wantsLogin(),
      () => ({ kind: 'cut', after: this.below(2000) }) as const,
      () => ({ kind: 'lost' }) as const,
    ];
    return this.pick(faults)();
  }

  private status(): Fault {
    const body = this.pick([
      '',
      'nonsense',
      '{"errors":7}',
      '{"errors":[{"code":"\\u001b[2J","message":"a\\u0007b"}]}',
    ]);
    const range = this.pick(['0-0', '0-99999999999', 'bytes 0-1/2', '-', '5-1']);
    const headers = { 'retry-after': '0', range, 'content-range': range, 'docker-content-digest': this.pick(DIGESTS) };
    return { kind: 'answer', status: this.pick(STATUSES), headers, body };
  }

  private leadsElsewhere(): Fault {
    const { thief, registry } = this;
    const location = this.pick([
      `${thief.url}/v2/${REPOSITORY}/manifests/1`,
      `//${thief.host}/`,
      `http://me:pass@${thief.host}/`,
      `${registry.url}/v2/${REPOSITORY}/tags/list`,
      'file:///etc/passwd',
      'javascript:1',
      'http://[',
      '',
    ]);
    return { kind: 'answer', status: this.pick([201, 202, 301, 302, 303, 307, 308]), headers: { location } };
  }

  private wantsLogin(): Fault {
    const wanted = this.pick([
      `Bearer realm="${this.registry.url}/v2/token",service="x"`,
      'Bearer realm="http://registry.example/token"',
      'Bearer realm="nonsense"',
      'Bearer',
      'Basic',
      `Basic realm="${'x'.repeat(9000)}"`,
      '=,"',
    ]);
    return { kind: 'answer', status: 401, headers: { 'www-authenticate': wanted } };
  }

  /** A good answer, changed. */
  private otherBytes({ url }: Asked): Fault {
    const name = url.split('/').at(-1)!;
    const { blobs, manifests } = this.registry;
    const good = blobs.get(name) ?? manifests.get(`${REPOSITORY}:1`)!;
    const manifest = () =>
      Buffer.from(JSON.stringify(this.changed(JSON.parse(String(manifests.get(`${REPOSITORY}:1`))))));
    const body = this.pick([
      () => this.flipped(good),
      () => good.subarray(0, this.below(good.length)),
      () => Buffer.concat([good, Buffer.alloc(1 + this.below(100))]),
      () => Buffer.alloc(5 << 20, 0x20),
      () => Buffer.from(JSON.stringify({ tags: [...NAMES, '../1', '\u001b', '9'.repeat(30)] })),
      manifest,
      manifest,
      manifest,
    ])();
    const type = this.pick(['application/vnd.oci.image.manifest.v1+json', 'text/html', '']);
    const headers = { 'content-type': type, ...(this.next() < 0.2 ? { 'content-encoding': 'gzip' } : {}) };
    return { kind: 'answer', status: this.pick([200, 200, 200, 206]), headers, body };
  }

  private flipped(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes);
    copy[this.below(copy.length)] ^= 1 << this.below(8);
    return copy;
  }

  /** One value of a document replaced, removed, or repeated a thousand times. */
  private changed(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || this.next() < 0.1) return this.pick([...VALUES, ...DIGESTS]);
    if (Array.isArray(value)) {
      const how = this.next();
      if (how < 0.2) return [];
      if (how < 0.4) return Array.from({ length: 1000 }, () => value[0]);
      const at = this.below(value.length);
      return value.map((one, i) => (i === at ? this.changed(one) : one));
    }
    const keys = Object.keys(value);
    const key = this.next() < 0.8 && keys.length > 0 ? this.pick(keys) : this.pick(NAMES);
    return { ...value, [key]: this.changed((value as Record<string, unknown>)[key]) };
  }

  private below(count: number): number {
    return Math.floor(this.next() * count);
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const digestsIn = (store: string) => {
  const folder = join(store, 'blobs/sha256');
  return existsSync(folder) ? readdirSync(folder).sort() : [];
};

function contentsOf(store: string): string {
  return `${readFileSync(join(store, 'index.json'), 'latin1')} ${digestsIn(store)}`;
}

/** @returns which file of a store is not what its name says, if any; files are there only with a snapshot */
function damaged(store: string): string | undefined {
  const path = join(store, 'index.json');
  const index = existsSync(path) ? readFileSync(path, 'utf8') : '';
  for (const name of digestsIn(store)) {
    if (!index.includes('sha256:')) return `${name} is left of no snapshot`;
    const bytes = readFileSync(join(store, 'blobs/sha256', name));
    if (createHash('sha256').update(bytes).digest('hex') !== name) return `${name} has other bytes`;
  }
  return undefined;
}
