/**
 * What the host layer asks Landlock for, by version and directory, over a model of the kernel.
 * test/wasi/landlock.test.ts tests the effect in the kernel.
 */

import { expect, test } from 'vitest';
import { bootedImage, startProcess } from './fake-image.js';

// linux/landlock.h
const [EXECUTE, WRITE_FILE, READ_FILE, READ_DIR] = [1, 2, 4, 8];
const REMOVALS = 0x30; // of directories, of files
const MAKING = 0x1fc0; // characters, directories, files, sockets, fifos, blocks, links
const REFER = 0x2000; // from version 2 on
const TRUNCATE = 0x4000; // from version 3 on
const ABI_2 = EXECUTE | WRITE_FILE | READ_FILE | READ_DIR | REMOVALS | MAKING | REFER;

interface Kernel {
  /** -38 for a kernel without it. */
  readonly version: number;
  readonly directories?: string;
  /** Results of adding rules. */
  readonly adding?: number;
}

/** What happens, in order: the accesses that are handled, rules with the descriptor of their directory, the end. */
function calls({ version, directories, adding = 0 }: Kernel): string[] {
  const { process } = bootedImage({ pages: 1, entry: true });
  const made: string[] = [];
  const log = (text: string, result = 0) => {
    made.push(text);
    return result;
  };
  process.overrides['landlock_create_ruleset'] = ([attributes, size, flags]) => {
    if (flags === 1) return log(`version ${attributes} ${size}`, version);
    return log(`handle ${process.get64(attributes).toString(16)} ${size} ${flags}`, 77);
  };
  process.overrides['landlock_add_rule'] = ([rules, kind, at, flags]) =>
    log(`rule ${rules} ${kind} ${process.get64(at).toString(16)} of ${process.get32(at + 8)} ${flags}`, adding);
  process.overrides['landlock_restrict_self'] = ([rules, flags]) => log(`restrict ${rules} ${flags}`);
  process.overrides['close'] = ([fd]) => (fd === 77 ? log('close') : undefined);
  process.overrides['prctl'] = ([what]) => (what === 38 ? log('no_new_privs') : undefined);
  let next = 500;
  process.overrides['openat'] = () => next++;
  process.invoke = () => {};
  startProcess(process, directories === undefined ? [] : [`WAGSNAP_DIR=${directories}`]);
  return made;
}

const places = (made: string[]) => made.filter((text) => text.startsWith('rule')).map((text) => text.split(' ')[5]);

test('a directory may be used with all that is handled but executing', () => {
  for (const [version, handled] of [
    [2, ABI_2],
    [3, ABI_2 | TRUNCATE],
    [7, ABI_2 | TRUNCATE],
  ]) {
    const made = calls({ version, directories: '/x::/y' });
    const [place] = places(made);
    expect(made).toEqual([
      'no_new_privs',
      'version 0 0',
      `handle ${handled.toString(16)} 8 0`,
      `rule 77 1 ${(handled & ~EXECUTE).toString(16)} of ${place} 0`,
      'restrict 77 0',
      'close',
    ]);
  }
});

test('one that is read-only may be read and listed', () => {
  const made = calls({ version: 7, directories: '/x::/y:ro\n/z::/w' });
  const rules = made.filter((text) => text.startsWith('rule')).map((text) => Number.parseInt(text.split(' ')[3], 16));
  expect(rules).toEqual([READ_FILE | READ_DIR, (ABI_2 | TRUNCATE) & ~EXECUTE]);
  expect(new Set(places(made)).size).toBe(2);
});

test.each([-38, -95, 1])('nothing is asked for where the version is %i', (version) => {
  expect(calls({ version, directories: '/x::/y' })).toEqual(['no_new_privs', 'version 0 0']);
});

test('a rule that cannot be added leaves all as it is: its directory could not be used', () => {
  const made = calls({ version: 7, directories: '/x::/y\n/z::/w', adding: -9 });
  expect(made.filter((text) => text.startsWith('rule')).length).toBe(2);
  expect(made.some((text) => text.startsWith('restrict'))).toBe(false);
  expect(made.at(-1)).toBe('close');
});

test('without directories there is nothing to be opened', () => {
  expect(calls({ version: 7 })).toEqual(['no_new_privs']);
});
