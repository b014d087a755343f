/** Finds a place for a server. */

import { once } from 'node:events';
import { createServer } from 'node:net';

/** Beneath those that Linux gives to connections: a server that ends and starts again finds its port free. */
const [FIRST, LAST] = [10_240, 32_767];

/** A port of the loopback interface that nobody has. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue; // somebody has it
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
