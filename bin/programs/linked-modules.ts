/** Reads the modules that `--link` names. */

import type { LinkedModule } from '../../src/api/links.js';
import type { Link } from '../options/link.js';
import { expectKind } from './expect-kind.js';
import { withInput } from './input-file.js';

/** @param command the command, for messages. @throws InputError */
export async function readLinkedModules(links: readonly Link[], command: string): Promise<LinkedModule[]> {
  const linked: LinkedModule[] = [];
  if (links.length === 0) return linked;
  const { readProgram } = await import('../../src/api/read-program.js');
  for (const { name, path } of links) {
    const { bytes } = await withInput(path, (input) => {
      expectKind(input, `${command} --link`, ['module']);
      return readProgram(input.path, path);
    });
    linked.push({ name, bytes, file: path });
  }
  return linked;
}
