/** A node that runs until a signal ends it: prints a JSON object for each event, and serves its metrics. */

import { createServer, type Server } from 'node:http';
import { type LatticeNode, type NodeOptions, runNode } from '../../src/api/node.js';
import { OwnNatsServer } from '../../src/api/own-nats-server.js';
import { systemReason, ToolError } from '../../src/base/errors.js';
import { terminalJson } from '../../src/base/terminal-text.js';
import { UsageError } from '../options/usage.js';
import { metricsOf } from './node-metrics.js';

export interface ServeOptions {
  readonly metrics: string | undefined;
  /** The signal after which it gives its jobs away. */
  readonly drainOn: string | undefined;
  /** It starts a NATS server of its own first. */
  readonly embedded: boolean;
}

export async function serveNode(options: NodeOptions, serve: ServeOptions): Promise<void> {
  if (!serve.embedded) return serveWith(options, serve, new Promise<never>(() => {}));
  const server = await OwnNatsServer.start(options.nats || undefined);
  const lost = server.ended.then((why) => {
    throw new ToolError('nats-server', `the NATS server of this node has ended: ${why}`);
  });
  lost.catch(() => {});
  try {
    await serveWith({ ...options, nats: server.url }, serve, lost);
  } finally {
    await server.stop();
  }
}

/** @param lost rejects when it cannot continue */
async function serveWith(
  options: NodeOptions,
  { metrics, drainOn }: ServeOptions,
  lost: Promise<never>,
): Promise<void> {
  const print = (event: object) => console.log(terminalJson({ time: new Date().toISOString(), ...event }));
  const address = metrics === undefined ? undefined : parseMetrics(metrics);
  const node = await runNode({ ...options, onEvent: print });
  let server: Server | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    print({ event: 'leaving', by: signal });
    node.leave(signal === drainOn ? 'give' : 'drop').catch(() => {});
  };
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  try {
    if (address) server = await serveMetrics(node, address);
    print({ event: 'started', name: node.name, metrics: server === undefined ? null : addressOf(server) });
    await Promise.race([node.closed, lost]);
  } catch (error) {
    await node.leave('drop').catch(() => {});
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    server?.close();
    server?.closeAllConnections();
  }
}

function parseMetrics(text: string): { host: string; port: number } {
  const [, host, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)?.filter((part) => part !== undefined) ?? [];
  if (host === undefined || Number(port) > 65_535) throw new UsageError(`--metrics ${text}: expected ADDRESS:PORT`);
  return { host, port: Number(port) };
}

function addressOf(server: Server): string {
  const address = server.address();
  return address === null || typeof address === 'string' ? '' : `${address.address}:${address.port}`;
}

async function serveMetrics(node: LatticeNode, { host, port }: { host: string; port: number }): Promise<Server> {
  const server = createServer((request, response) => {
    const isHealth = request.url === '/healthz';
    if (!isHealth && request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    const status = isHealth && !node.isWell ? 503 : 200;
    response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(isHealth ? `${node.isWell ? 'ok' : 'no lease'}\n` : metricsOf(node));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new ToolError('metrics', `${host}:${port}: ${systemReason(error)}`)));
    server.listen(port, host, resolve);
  });
  return server;
}
