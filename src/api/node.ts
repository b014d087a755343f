/** A node of the lattice: this process takes jobs, and runs them in processes of their own (docs/lattice.md). */

import type { LatticeNode, NodeOptions } from './node-options.js';

export type * from './node-options.js';

/**
 * Joins the lattice, and takes jobs until it leaves.
 *
 * @throws UsageError, InputError, ToolError 'nats' when there is no NATS server
 */
export async function runNode(options: NodeOptions): Promise<LatticeNode> {
  const { joinLattice } = await import('./node-member.js');
  return joinLattice(options);
}
