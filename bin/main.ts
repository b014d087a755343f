/** The program: what bin/wag-snap starts. Nothing is exported and nothing decided here; see cli.ts. */

import { runCli } from './cli.js';
import { inlineLittle } from './optimizer.js';

inlineLittle();
await runCli(process.argv.slice(2));
