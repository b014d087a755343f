/**
 * Test files that take long, the longest first: they begin first, so that no worker is left with one at the end, and
 * their tests have more time than others. The figures are seconds on one core of the CI machine.
 */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

const SECONDS: Readonly<Record<string, number>> = {
  'test/spec/arm64.test.ts': 130,
  'test/migrate/crossing.test.ts': 75,
  'test/unit/compile/parallel/threads.test.ts': 35,
  'test/faults/namespaces.test.ts': 80,
  'test/faults/capture.test.ts': 60,
  'test/fuzz/restore.test.ts': 60,
  'test/migrate/every-site.test.ts': 40,
  'test/e2e/bzip2.test.ts': 60,
  'test/fuzz/differential.test.ts': 58,
  'test/fuzz/components.test.ts': 12,
  'test/migrate/chains.test.ts': 55,
  'test/fuzz/migration.test.ts': 51,
  'test/migrate/emitted.test.ts': 51,
  'test/fuzz/trapped.test.ts': 50,
  'test/e2e/names.test.ts': 45,
  'test/e2e/move-signals.test.ts': 42,
  'test/unit/bin/cli.test.ts': 44,
  'test/package/package.test.ts': 42,
  'test/faults/chain.test.ts': 42,
  'test/faults/restore.test.ts': 40,
  'test/migrate/other-code.test.ts': 40,
  'test/e2e/output.test.ts': 39,
  'test/e2e/lattice.test.ts': 20,
  'test/model/lattice.test.ts': 12,
  'test/e2e/lattice-embedded.test.ts': 12,
  'test/e2e/lattice-cluster.test.ts': 30,
  'test/e2e/lattice-move.test.ts': 25,
  'test/e2e/lattice-alone.test.ts': 20,
  'test/fuzz/registries.test.ts': 12,
  'test/e2e/invoke.test.ts': 39,
  'test/unit/snapshot/stored.test.ts': 38,
  'test/e2e/input.test.ts': 36,
  'test/e2e/migrate.test.ts': 36,
  'test/migrate/tail-calls.test.ts': 36,
  'test/sites/same-sites.test.ts': 34,
  'test/migrate/tracking.test.ts': 34,
  'test/migrate/incremental-tracking.test.ts': 30,
  'test/migrate/tracked-sites.test.ts': 30,
  'test/unit/capture/incremental.test.ts': 25,
  'test/unit/capture/tracked-growth.test.ts': 10,
  'test/unit/bin/help.test.ts': 33,
  'test/migrate/crossing-chains.test.ts': 31,
  'test/model/code.test.ts': 30,
  'test/unit/bin/hostile-names.test.ts': 27,
  'test/exceptions/random-sites.test.ts': 26,
  'test/migrate/incremental.test.ts': 25,
  'test/e2e/become.test.ts': 25,
  'test/fuzz/sites.test.ts': 24,
  'test/e2e/refused-move.test.ts': 22,
  'test/e2e/lua.test.ts': 21,
  'test/e2e/chain.test.ts': 21,
  'test/unit/bin/restore.test.ts': 20,
  'test/model/protocol.test.ts': 20,
  'test/exceptions/random.test.ts': 19,
  'test/spec/x64-avx.test.ts': 19,
  'test/faults/files.test.ts': 18,
  'test/spec/x64.test.ts': 17,
  'test/wasi/unknown.test.ts': 17,
  'test/fuzz/snapshot.test.ts': 16,
  'test/e2e/reactor.test.ts': 16,
  'test/faults/processes.test.ts': 16,
  'test/faults/killed-restore.test.ts': 15,
  'test/unit/compile/amplification.test.ts': 14,
  'test/e2e/workload-pid.test.ts': 13,
  'test/e2e/component.test.ts': 12,
  'test/wasi/resume.test.ts': 11,
  'test/e2e/python.test.ts': 9,
  'test/migrate/references.test.ts': 9,
};

/** @param file absolute path */
export function secondsOf(file: string): number {
  return seconds.get(file) ?? 0;
}

const seconds = new Map<string, number>();
for (const [file, value] of Object.entries(SECONDS)) {
  if (!existsSync(join(root, file))) throw new Error(`test/support/slow-files.ts: there is no ${file}`);
  seconds.set(join(root, file), value);
}
