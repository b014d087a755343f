/** Connects with the lattice (docs/lattice.md). */

import type { Lattice, ServerOptions } from './lattice-options.js';

export type * from './lattice-options.js';

/** @throws ToolError 'nats' when there is no NATS server; InputError for wrong credentials */
export async function connectLattice(options: ServerOptions): Promise<Lattice> {
  const [{ LatticeServer }, { LatticeClient }] = await Promise.all([
    import('../lattice/server.js'),
    import('./lattice-client.js'),
  ]);
  return new LatticeClient(await LatticeServer.connect(options));
}
