/** The format of the mutants: small deliberate faults, and the tests that must notice them. */

/** Text that occurs exactly once in the file, what replaces it, and what is special about this one. */
export type Change = readonly [before: string, after: string, special?: Special];

export interface Special {
  /** Instead of those of the file. */
  readonly tests?: readonly string[];
  /** A part of a test's full name (vitest's -t), where the other tests of the files take long. */
  readonly only?: string;
  /** Not for the sample that `npm test` takes: its tests take longer than some seconds. */
  readonly slow?: boolean;
  /** Nothing is known to notice it yet: a test to be written. Not for the sample either. */
  readonly open?: boolean;
}

export interface MutatedFile {
  /** Below the package's folder. */
  readonly file: string;
  /** The tests that must fail: one failure of one of them is enough. */
  readonly tests: readonly string[];
  readonly only?: string;
  readonly slow?: boolean;
  readonly changes: readonly Change[];
  /** Changes that no test can notice, with the reason. */
  readonly equivalent?: readonly (readonly [before: string, after: string, reason: string])[];
}

export interface Area {
  readonly name: string;
  readonly files: readonly MutatedFile[];
}

export interface Mutant {
  readonly area: string;
  readonly file: string;
  readonly before: string;
  readonly after: string;
  readonly tests: readonly string[];
  readonly only: string | undefined;
  readonly slow: boolean;
  readonly open: boolean;
}

export function mutantsOf({ name, files }: Area): Mutant[] {
  return files.flatMap(({ file, tests, only, slow, changes }) =>
    changes.map(([before, after, special]) => ({
      area: name,
      file,
      before,
      after,
      tests: special?.tests ?? tests,
      only: special?.only ?? (special?.tests ? undefined : only),
      slow: special?.slow ?? slow ?? false,
      open: special?.open ?? false,
    })),
  );
}

/** Why a change cannot be made to a file; undefined when it can. */
export function problemOf(text: string, before: string, after: string): string | undefined {
  const count = text.split(before).length - 1;
  if (count !== 1) return `the text occurs ${count} times`;
  return before === after ? 'it changes nothing' : undefined;
}

/** For people: one line. */
export function describe({ file, before, after }: Mutant): string {
  const short = (text: string) => JSON.stringify(text.length > 100 ? `${text.slice(0, 97)}...` : text);
  return `${file}: ${short(before)} -> ${short(after)}`;
}
