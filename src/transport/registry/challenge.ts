/** Reads WWW-Authenticate (RFC 9110, 11.6.1): how a registry wants to be told who asks. */

export interface Challenge {
  /** In small letters: `basic`, `bearer`. */
  readonly scheme: string;
  /** By name, in small letters. */
  readonly parameters: ReadonlyMap<string, string>;
}

const LONGEST = 8192;

/** @returns those that could be read, in their order */
export function parseChallenges(header: string | undefined): Challenge[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  if (header === undefined || header.length > LONGEST) return found;
  const token = /[A-Za-z0-9!#$%&'*+.^_`|~-]+/y;
  const value = /"((?:[^"\\]|\\.)*)"|([^\s,"]+)/y;
  const gap = /[\s,]*/y;
  const at = (pattern: RegExp, from: number) => {
    pattern.lastIndex = from;
    return pattern.exec(header);
  };
  for (let next = 0; next < header.length; ) {
    next += at(gap, next)?.[0].length ?? 0;
    const word = at(token, next)?.[0];
    if (word === undefined) break;
    next += word.length;
    const equals = /\s*=\s*/y;
    const sign = at(equals, next);
    const scheme = found.at(-1);
    if (sign === null) {
      found.push({ scheme: word.toLowerCase(), parameters: new Map() });
      continue;
    }
    next += sign[0].length;
    const text = at(value, next);
    if (text === null) break;
    next += text[0].length;
    scheme?.parameters.set(word.toLowerCase(), text[1]?.replace(/\\(.)/g, '$1') ?? text[2]);
  }
  return found;
}
