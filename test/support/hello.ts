/** The first message of a move that asks for nothing. */

import { type Hello, PROTOCOL } from '../../src/transport/messages.js';

export const HELLO: Hello = {
  name: 'hello',
  protocol: PROTOCOL,
  version: '1',
  arch: null,
  workload: null,
  dirs: [],
  listen: [],
  fds: [],
  sameDirs: false,
  strictFiles: false,
  maxMemory: null,
  outputDir: null,
  attach: false,
  from: 'here (pid 1)',
  codecs: [],
};
