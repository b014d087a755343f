/** What a job of the lattice asks for: nothing but a module. */

import type { JobSpec } from '../../src/lattice/records.js';

export const spec: JobSpec = {
  module: `sha256:${'0'.repeat(64)}`,
  args: [],
  env: {},
  arch: null,
  labels: {},
  memory: null,
  dirs: [],
  listen: [],
  snapshotEvery: null,
  restart: 'never',
};
