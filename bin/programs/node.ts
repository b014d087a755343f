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
  let node: LatticeNode | undefined;
  // before it joins: what cannot listen takes no jobs
  const server = metrics === undefined ? undefined : await serveMetrics(() => node, parseMetrics(metrics));
  try {
    node = await runNode({ ...options, onEvent: print });
    const started = { event: 'started', name: node.name, metrics: server === undefined ? null : addressOf(server) };
    await untilClosed(node, drainOn, lost, print, started);
  } finally {
    server?.close();
    server?.closeAllConnections();
  }
}

/** Until it has left, also because of a signal, or cannot continue. */
async function untilClosed(
  node: LatticeNode,
  drainOn: string | undefined,
  lost: Promise<never>,
  print: (event: object) => void,
  started: object,
): Promise<void> {
  const onSignal = (signal: NodeJS.Signals) => {
    print({ event: 'leaving', by: signal });
    node.leave(signal === drainOn ? 'give' : 'drop').catch(() => {});
  };
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  print(started);
  try {
    await Promise.race([node.closed, lost]);
  } catch (error) {
    await node.leave('drop').catch(() => {});
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
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

/** @param current undefined until it has joined. @throws ToolError 'metrics' */
async function serveMetrics(
  current: () => LatticeNode | undefined,
  { host, port }: { host: string; port: number },
): Promise<Server> {
  const server = createServer(({ url }, response) => {
    const [path] = url?.split('?') ?? [];
    const node = current();
    const answer = (status: number, text: string) => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end(text);
    };
    if (path !== '/healthz' && path !== '/metrics') answer(404, '');
    else if (node === undefined) answer(503, 'not joined yet\n');
    else if (path === '/metrics') answer(200, metricsOf(node));
    else answer(node.isWell ? 200 : 503, node.isWell ? 'ok\n' : 'no lease\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new ToolError('metrics', `${host}:${port}: ${systemReason(error)}`)));
    server.listen(port, host, resolve);
  });
  return server;
}
