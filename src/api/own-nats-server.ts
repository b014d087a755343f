/** A NATS server of a node's own, for one machine: on loopback, with JetStream on disk. It ends with this process. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFolders } from '../base/create-folders.js';
import { systemReason, ToolError, UsageError } from '../base/errors.js';
import { findProgram, programFolders } from '../base/find-program.js';
import { terminalText } from '../base/terminal-text.js';
import { userFolder } from '../base/user-folders.js';
import { parseAddress } from '../lattice/server-address.js';

const DEFAULT_URL = 'nats://127.0.0.1:4222';
/** Where Debian has it, which is not in the PATH of every user. */
const MORE_FOLDERS = ['/usr/local/sbin', '/usr/sbin'];

/**
 * Ends the server when standard input is closed, as it is when the node is gone, however it ended. $1: the server; $2: its
 * configuration.
 */
const SCRIPT = `
exec 3<&0
"$1" -c "$2" </dev/null 3<&- &
server=$!
{ cat <&3 >/dev/null; kill "$server"; } 2>/dev/null &
exec 3<&-
wait "$server"
`;

export class OwnNatsServer {
  private constructor(
    /** How it is reached, with the password that it was given. */
    readonly url: string,
    private readonly child: ChildProcess,
    /** Resolves when it has ended, with what it said last. */
    readonly ended: Promise<string>,
  ) {}

  /**
   * @param nats an address of loopback, perhaps with a user and password, or a token; default: port 4222, for everybody
   * @throws UsageError for another address; ToolError when there is no nats-server, or it does not start
   */
  static async start(nats = DEFAULT_URL): Promise<OwnNatsServer> {
    const { host, port } = loopback(nats);
    const program = findNatsServer();
    const folder = join(userFolder('XDG_STATE_HOME'), 'nats');
    const path = join(folder, 'nats-server.conf');
    try {
      createFolders(folder);
      writeFileSync(path, configuration(nats, host, port, folder), { mode: 0o600 });
    } catch (error) {
      throw new ToolError('nats-server', `${path}: ${systemReason(error)}`);
    }
    const args = ['-c', SCRIPT, 'sh', program, path];
    const child = spawn('/bin/sh', args, { stdio: ['pipe', 'ignore', 'pipe'], detached: true });
    child.stdin!.on('error', () => {});
    let said = '';
    let isReady = () => {};
    const ready = new Promise<void>((resolve) => {
      isReady = resolve;
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4096);
      if (text.includes('Server is ready') || said.includes('Server is ready')) isReady();
    });
    const ended = once(child, 'close').then(
      () => reasonIn(said),
      (error) => String((error as Error).message),
    );
    const why = await Promise.race([ready, ended]);
    if (why !== undefined) {
      throw new ToolError('nats-server', `${program} did not start at ${host}:${port}: ${terminalText(why)}`, [
        'another one may be there already: use it (--nats without --embedded), or another port (--nats nats://127.0.0.1:PORT)',
      ]);
    }
    return new OwnNatsServer(nats, child, ended);
  }

  async stop(): Promise<void> {
    this.child.stdin!.end();
    await this.ended;
  }
}

/** @throws UsageError */
function loopback(nats: string): { host: string; port: number } {
  const { servers, tls } = parseAddress(nats);
  const [, host, port] =
    /^(127\.0\.0\.1|\[::1\]|localhost)(?::(\d+))?$/.exec(servers.length === 1 ? servers[0]! : '') ?? [];
  if (host === undefined || tls !== undefined) {
    throw new UsageError('--embedded: its NATS server is for this machine only: --nats nats://127.0.0.1:PORT, or none');
  }
  return { host: host === '[::1]' ? '::1' : '127.0.0.1', port: Number(port ?? 4222) };
}

/** @throws ToolError */
export function findNatsServer(folders = [...programFolders(), ...MORE_FOLDERS]): string {
  const path = findProgram(['nats-server'], folders);
  if (path !== undefined) return path;
  throw new ToolError(
    'no-nats-server',
    '--embedded needs nats-server, which is not in PATH (Debian: apt-get install nats-server)',
  );
}

/** Strings of a configuration are JSON's. */
function configuration(nats: string, host: string, port: number, folder: string): string {
  const { user, pass, token } = parseAddress(nats);
  const lines = [
    `listen: ${JSON.stringify(`${host.includes(':') ? `[${host}]` : host}:${port}`)}`,
    `jetstream { store_dir: ${JSON.stringify(folder)} }`,
  ];
  if (pass !== undefined)
    lines.push(`authorization { user: ${JSON.stringify(user)}, password: ${JSON.stringify(pass)} }`);
  else if (token !== undefined) lines.push(`authorization { token: ${JSON.stringify(token)} }`);
  return `${lines.join('\n')}\n`;
}

/** The last line of its log that says what is wrong. */
function reasonIn(said: string): string {
  const lines = said.trim().split('\n');
  const found = lines.findLast((line) => /\[(FTL|ERR)\]/.test(line)) ?? lines.at(-1) ?? '';
  return found.replace(/^\[\d+\] \S+ \S+ \[(FTL|ERR)\] /, '') || 'it ended';
}
