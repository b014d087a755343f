/**
 * What the bundle has instead of the package string-width: columns of a text without control sequences in which each
 * character takes one, as all that --help prints does (test/unit/bin/help.test.ts).
 */

export default function stringWidth(text) {
  return text.length;
}
