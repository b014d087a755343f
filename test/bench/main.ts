/**
 * `npm run bench [-- NAME…]`: the figures that this project promises, as ratios within one run, each the median of five
 * rounds that take turns. Prints a table with bars, and the machine's load; exit code 1 when a bar is missed. Quiet machines give better
 * figures, but ratios hold on busy ones too.
 */

import { availableParallelism, loadavg } from 'node:os';
import { capturePause } from './capture-pause.js';
import { chainRestore, differenceBytes } from './chain.js';
import { clones } from './clones.js';
import { againstLiftoff, againstTurbofan, siteTables } from './code-speed.js';
import { compileSpeed, compileThreads } from './compile-speed.js';
import { components } from './components.js';
import type { Figure, Outcome } from './figure.js';
import { firstLine, smallModule } from './first-line.js';
import { hostCalls } from './host-calls.js';
import { importCalls } from './import-calls.js';
import { speedBetween } from './incremental.js';
import { emptyFolder } from './measure.js';
import { migrateFigures } from './migrate.js';
import { encryptionFigures, packBytes, packSpeed, unpackTime } from './packing.js';
import { restoreTime } from './restore-time.js';
import { startUp } from './start-up.js';
import { storeGrowth, storeList } from './store.js';
import { trackingPauses } from './tracking-pause.js';

const figures: readonly Figure[] = [
  againstLiftoff,
  againstTurbofan,
  siteTables,
  compileSpeed,
  compileThreads,
  smallModule,
  firstLine,
  startUp,
  ...components,
  capturePause,
  ...trackingPauses,
  ...speedBetween,
  restoreTime,
  differenceBytes,
  chainRestore,
  storeList,
  storeGrowth,
  packBytes,
  packSpeed,
  ...encryptionFigures,
  unpackTime,
  ...clones,
  ...hostCalls,
  importCalls,
  ...migrateFigures,
];

const names = process.argv.slice(2);
if (names.includes('--help') || names.includes('-h')) {
  console.log(
    'usage: npm run bench [-- FIGURE…]\n\nMeasures all figures, or those that are named, and compares them with their bars:\n',
  );
  for (const { name, title } of figures) console.log(`  ${name.padEnd(18)}${title}`);
  process.exit(0);
}
/** `pause` is all of its rows. */
const isNamed = (name: string) => names.includes(name) || names.includes(name.split('-')[0] ?? '');
const chosen = figures.filter(({ name }) => names.length === 0 || isNamed(name));
if (chosen.length === 0) {
  console.error(`no such figure; there are ${figures.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

emptyFolder();
const details: string[] = [];
const columns = [60, 20, 22, 6];
const line = (cells: readonly string[]): string =>
  cells
    .map((cell, i) => cell.padEnd(columns[i]))
    .join('')
    .trimEnd();

console.log(line(['figure', 'value', 'bar', '']));
for (const figure of chosen) {
  const outcome = await attempt(figure);
  console.log(line([figure.title, outcome.value, figure.bar, verdict(outcome.pass)]));
  if (outcome.pass === false) process.exitCode = 1;
  details.push(...(outcome.details ?? []));
}
const load = loadavg().map((value) => value.toFixed(1));
console.log(`\nNode ${process.version}, ${availableParallelism()} processors, load ${load.join(', ')}`);
console.log(details.join('\n'));

async function attempt(figure: Figure): Promise<Outcome> {
  try {
    return await figure.measure();
  } catch (error) {
    return { value: 'error', pass: false, details: [`${figure.name}: ${(error as Error).message}`] };
  }
}

function verdict(pass: boolean | undefined): string {
  return pass === undefined ? '' : pass ? 'met' : 'MISSED';
}
