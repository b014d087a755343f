/** The program that bin/wag-snap starts. It exports and decides nothing; see cli.ts. */

import { runCli } from './cli.js';
import { inlineLittle } from './optimizer.js';

inlineLittle();
await runCli(process.argv.slice(2));
