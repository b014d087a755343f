/** Three NATS servers with JetStream that know each other, each with ports and a folder of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.js';

interface Member {
  readonly client: number;
  readonly route: number;
  readonly configuration: string;
  child: ChildProcess | undefined;
}

export class NatsCluster {
  private readonly members: Member[] = [];

  constructor(private readonly folder: string) {}

  async start(): Promise<void> {
    for (let n = 0; n < 3; n++) {
      const configuration = join(this.folder, `nats-${n}.conf`);
      this.members.push({ client: await freePort(), route: await freePort(), configuration, child: undefined });
    }
    const routes = this.members.map(({ route }) => `"nats://127.0.0.1:${route}"`).join(', ');
    for (const [n, { client, route, configuration }] of this.members.entries()) {
      writeFileSync(
        configuration,
        `listen: "127.0.0.1:${client}"
server_name: s${n}
jetstream { store_dir: ${JSON.stringify(join(this.folder, `nats-${n}`))} }
cluster { name: three, listen: "127.0.0.1:${route}", routes: [${routes}] }
`,
      );
    }
    await Promise.all(this.members.map((_, n) => this.startOne(n)));
  }

  get url(): string {
    return this.members.map(({ client }) => `nats://127.0.0.1:${client}`).join(',');
  }

  async startOne(number: number): Promise<void> {
    const member = this.members[number]!;
    const child = spawn('nats-server', ['-c', member.configuration], { stdio: ['ignore', 'ignore', 'pipe'] });
    member.child = child;
    let said = '';
    await new Promise<void>((done, fail) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('Server is ready')) done();
      });
      child.once('exit', () => fail(new Error(`nats-server: ${said}`)));
    });
  }

  /** Nobody is told. */
  async kill(number: number): Promise<void> {
    const member = this.members[number]!;
    const { child } = member;
    member.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async close(): Promise<void> {
    for (const number of this.members.keys()) await this.kill(number);
  }
}
