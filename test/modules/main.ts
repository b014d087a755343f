/**
 * `npm run modules -- [--write] [NAME…]`: tries the compiler on large modules from npm packages (list.ts; those whose
 * package or file contains a NAME) and prints a table, a row each; --write puts it into docs/modules.md. Each module is
 * examined in a process of its own. WASI commands are run as well, on both CPUs where there is an emulator. Exits with
 * 1 when V8 and wag-snap differ in accepting a module, when tables do not hold, or when a program prints something else
 * than expected.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ownPackage } from '../../src/base/package.js';
import { type Examination, examine } from './examine.js';
import { fetchPackage } from './fetch.js';
import { MODULES, type PublishedModule } from './list.js';
import { row, table } from './table.js';

const { values, positionals } = parseArgs({
  options: { write: { type: 'boolean' }, child: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  allowPositionals: true,
});

if (values.help) {
  console.log(`usage: npm run modules -- [--write] [NAME…]

Tries the compiler on large modules of npm packages and prints a table, a row each. Needs the network.
  NAME      only modules whose package or file contains it
  --write   puts the table into docs/modules.md`);
} else if (values.child !== undefined) process.stdout.write(JSON.stringify(examine(values.child)));
else process.exitCode = main(positionals);

function main(names: readonly string[]): number {
  const chosen = MODULES.filter(
    (entry) => names.length === 0 || names.some((name) => `${entry.package} ${entry.file}`.includes(name)),
  );
  const rows: string[] = [];
  let wrong = 0;
  for (const entry of chosen) {
    const { faults, line } = tryModule(entry);
    console.log(line);
    for (const fault of faults) console.log(`    ${fault}`);
    rows.push(line);
    if (faults.length > 0) wrong++;
  }
  console.log(`\n${chosen.length} modules, ${wrong} with something wrong`);
  if (values.write) writeTable(rows);
  return wrong === 0 ? 0 : 1;
}

function tryModule(entry: PublishedModule): { faults: string[]; line: string } {
  const file = join(fetchPackage(entry.package), entry.file);
  const child = spawnSync(process.execPath, ['--max-old-space-size=6000', process.argv[1]!, '--child', file], {
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  });
  if (child.status !== 0) {
    const first = child.stderr.split('\n').find((line) => /Error/.test(line)) ?? `ended with ${child.status}`;
    return { faults: [first], line: `| ${entry.package} ${entry.file} | failed |` };
  }
  const found = JSON.parse(child.stdout) as Examination;
  const faults = [...found.problems];
  if ((found.refusal === undefined) !== (found.v8Refusal === undefined) && entry.note === undefined) {
    faults.push(`we: ${found.refusal ?? 'accepted'}; V8: ${found.v8Refusal ?? 'accepted'}`);
  }
  const runs = entry.run === undefined || found.refusal !== undefined ? [] : ['x64', 'arm64'];
  const ran = runs.filter((arch) => {
    const fault = runModule(file, arch, entry.run!);
    if (fault !== undefined) faults.push(fault);
    return fault === undefined;
  });
  return { faults, line: row(entry, found, ran) };
}

/** Undefined when it printed what it should. */
function runModule(
  file: string,
  arch: string,
  { args, options = [], input = '', prints }: NonNullable<PublishedModule['run']>,
) {
  const tool = join(ownPackage().folder, 'bin/wag-snap');
  const image = join(ownPackage().folder, 'build/modules/image');
  const compiled = spawnSync(tool, ['compile', '--arch', arch, '-o', image, file], { encoding: 'utf8' });
  if (compiled.status !== 0) return `compile --arch ${arch}: ${compiled.stderr}`;
  const { stdout, stderr } = spawnSync(tool, ['run', ...options, image, '--', ...args], { encoding: 'utf8', input });
  return stdout === prints ? undefined : `run on ${arch}: printed ${JSON.stringify(stdout)}; ${stderr.slice(0, 300)}`;
}

function writeTable(rows: readonly string[]): void {
  const file = join(ownPackage().folder, 'docs/modules.md');
  const START = '<!-- table -->';
  const text = existsSync(file) ? readFileSync(file, 'utf8') : `# Modules from npm\n\n${START}\n`;
  writeFileSync(file, `${text.slice(0, text.indexOf(START) + START.length)}\n\n${table(rows)}\n`);
}
