/**
 * Debian's docker-registry, on the loopback interface, with a port and a folder of its own. It is started by whoever
 * tests with it, and ended by its pid.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Why a test cannot be done here; undefined: it can. */
export const noRegistry =
  spawnSync('docker-registry', ['--version']).status === 0 ? undefined : "Debian's docker-registry is not installed";

export class DockerRegistry {
  private constructor(
    private readonly child: ChildProcess,
    /** HOST:PORT */
    readonly host: string,
    /** What it keeps: blobs/…, repositories/… */
    readonly folder: string,
  ) {}

  /**
   * @param folder a new one
   * @param htpasswd the contents of a file of users, for a registry that wants a login
   * @param tls files of its certificate and key; without them it speaks http. `authority`: who must have signed a
   * client's certificate
   */
  static async start(
    folder: string,
    htpasswd?: string,
    tls?: { readonly certificate: string; readonly key: string; readonly authority?: string },
  ): Promise<DockerRegistry> {
    mkdirSync(folder, { recursive: true });
    const users = join(folder, 'htpasswd');
    if (htpasswd !== undefined) writeFileSync(users, htpasswd);
    const config = {
      version: '0.1',
      log: { level: 'info', formatter: 'json' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
      http: {
        addr: '127.0.0.1:0',
        ...(tls && { tls: { ...tls, ...(tls.authority === undefined ? {} : { clientcas: [tls.authority] }) } }),
      },
      ...(htpasswd === undefined ? {} : { auth: { htpasswd: { realm: 'test', path: users } } }),
    };
    const path = join(folder, 'config.json'); // JSON is YAML
    writeFileSync(path, JSON.stringify(config));
    const env = { PATH: process.env['PATH'], HOME: folder, OTEL_TRACES_EXPORTER: 'none' };
    const child = spawn('docker-registry', ['serve', path], { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    const host = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stderr.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        const address = /listening on (127\.0\.0\.1:\d+)/.exec(text)?.[1];
        if (address !== undefined) resolve(address);
      });
      child.once('exit', () => reject(new Error(`docker-registry has ended: ${text}`)));
    });
    return new DockerRegistry(child, host, join(folder, 'data'));
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}
