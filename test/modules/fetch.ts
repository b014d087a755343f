/**
 * Gets a package's files with `npm pack`, once: they stay in build/modules. Needs npm, tar and a reachable registry.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ownPackage } from '../../src/base/package.js';

/** The folder with the package's files. Throws Error with npm's words when it cannot be had. */
export function fetchPackage(spec: string): string {
  const folder = join(ownPackage().folder, 'build/modules', spec.replaceAll('/', '+'));
  if (!existsSync(folder)) {
    const work = `${folder}.${process.pid}.part`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    execFileSync('npm', ['pack', '--silent', spec], { cwd: work, stdio: ['ignore', 'ignore', 'pipe'] });
    const archive = readdirSync(work).find((name) => name.endsWith('.tgz'));
    if (archive === undefined) throw new Error(`npm pack ${spec} gave no archive`);
    execFileSync('tar', ['-xzf', archive], { cwd: work });
    rmSync(join(work, archive));
    try {
      renameSync(work, folder);
    } catch (error) {
      if (!existsSync(folder)) throw error;
      rmSync(work, { recursive: true }); // another test file was faster
    }
  }
  const [inside] = readdirSync(folder);
  return join(folder, inside!);
}
