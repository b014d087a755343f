/** Does something with the lattice, and closes the connection afterwards. */

import type { Lattice } from '../../src/api/lattice.js';
import { type LatticeOptions, parseServer } from '../options/lattice.js';

export async function withLattice<T>(options: LatticeOptions, work: (lattice: Lattice) => Promise<T>): Promise<T> {
  const server = parseServer(options);
  const { connectLattice } = await import('../../src/api/lattice.js');
  const lattice = await connectLattice(server);
  try {
    return await work(lattice);
  } finally {
    await lattice.close();
  }
}
