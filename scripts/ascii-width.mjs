/**
 * Replaces the package string-width in the bundle: the columns of a text without control sequences whose characters
 * each take one column. All text that --help prints is like that (test/unit/bin/help.test.ts).
 */

export default function stringWidth(text) {
  return text.length;
}
