/** All mutants. Whoever adds a check adds its mutant to the area that the check is of (CONTRIBUTING.md). */

import { arch } from './areas/arch.js';
import { cli } from './areas/cli.js';
import { compiler } from './areas/compiler.js';
import { component } from './areas/component.js';
import { early } from './areas/early.js';
import { growing } from './areas/growing.js';
import { image } from './areas/image.js';
import { lattice } from './areas/lattice.js';
import { lazy } from './areas/lazy.js';
import { moves } from './areas/moves.js';
import { process } from './areas/process.js';
import { registry } from './areas/registry.js';
import { restore } from './areas/restore.js';
import { sandbox } from './areas/sandbox.js';
import { snapshot } from './areas/snapshot.js';
import { stop } from './areas/stop.js';
import { store } from './areas/store.js';
import { tracking } from './areas/tracking.js';
import { validator } from './areas/validator.js';
import { wasi } from './areas/wasi.js';
import type { Area } from './mutant.js';

export const areas: readonly Area[] = [
  snapshot,
  store,
  restore,
  image,
  early,
  growing,
  validator,
  stop,
  tracking,
  process,
  lazy,
  moves,
  lattice,
  registry,
  sandbox,
  wasi,
  cli,
  arch,
  compiler,
  component,
];
