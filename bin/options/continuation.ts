/** What a snapshot is continued with here, which `restore` and `fork` are told alike. */

import type { Options as YargsOption } from 'yargs';
import { once } from './usage.js';

/** As yargs has given them. */
export interface ContinuationOptions {
  readonly dir: string | string[] | undefined;
  readonly allowProc: boolean;
  readonly listen: string | string[] | undefined;
  readonly sameDirs: boolean;
  readonly fd: string | string[] | undefined;
  readonly strictFiles: boolean;
  readonly arch: string | undefined;
}

export const continuationOptions = {
  dir: {
    type: 'string',
    requiresArg: true,
    describe: 'HOST::GUEST[:ro|:rw]: where a directory of the program is now (may be repeated)',
  },
  'allow-proc': {
    type: 'boolean',
    default: false,
    describe: 'directories may be on procfs: see run',
  },
  listen: {
    type: 'string',
    requiresArg: true,
    describe:
      'HOST:PORT or unix:PATH: an address for its listeners, in the order of their descriptors (may be repeated)',
  },
  'same-dirs': {
    type: 'boolean',
    default: false,
    describe:
      'directories without --dir and addresses without --listen stay as captured: only for snapshots that you trust',
  },
  fd: {
    type: 'string',
    requiresArg: true,
    describe:
      'N=ignore|close|fail|PATH|reopen: what happens to descriptor N: nothing to read and a bit bucket, closed, ' +
      'refused when it is not what it was, another file, opened again (default) (may be repeated)',
  },
  'strict-files': {
    type: 'boolean',
    default: false,
    describe: 'files that have changed since the capture, or are other files, are errors, not warnings',
  },
  arch: {
    type: 'string',
    requiresArg: true,
    coerce: once('arch'),
    describe: 'CPU to continue on: x64 or arm64; default: that of this machine',
  },
} satisfies Record<string, YargsOption>;
