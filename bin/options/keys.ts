/** Options of commands that speak TLS with another host. */

import { once } from './usage.js';

export const keyOptions = {
  keys: {
    type: 'string',
    requiresArg: true,
    coerce: once('keys'),
    describe: 'with TLS: the folder with the keys of this host and its list of peers; default: ~/.config/wag-snap',
  },
  peer: {
    type: 'string',
    requiresArg: true,
    describe: 'with TLS: SHA256:..., the key of the other host, in place of the list of peers (may be repeated)',
  },
} as const;
