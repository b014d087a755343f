/**
 * Names under which the user knows temporary files. Each error gets them when it is made (errors.ts), so no message names
 * a file that the user has never seen.
 */

/** The last ones, as an error may be made after its file is gone. */
const names = new Map<string, string>();
const NAMES_MAX = 1000;

/** Sets the name that messages use for a temporary file. */
export function nameTemporary(path: string, name: string): void {
  names.delete(path);
  names.set(path, name);
  for (const oldest of names.keys()) {
    if (names.size <= NAMES_MAX) break;
    names.delete(oldest);
  }
}

/** In a folder of a command (temporary.ts), which is in the place that the user knows. */
const IN_FOLDER = /^(.*)\/wag-snap-[0-9a-f]+-\d+-\d+-[0-9a-f]+\//;

/** For what cannot be written: where there is no room, and what it is for. */
export function placeOf(path: string): string {
  const name = names.get(path);
  const place = IN_FOLDER.exec(path)?.[1];
  return name === undefined || place === undefined ? path : `${place} (for ${name})`;
}

/** Replaces paths of temporary files in a message by the names that the user knows. A copy may be named after another one. */
export function withoutTemporaries(message: string): string {
  let text = message;
  for (const [path, name] of [...names].reverse()) text = text.replaceAll(path, name);
  return text;
}
