/** Pieces of output as JSON: nothing is lost, wherever they are cut, and whatever they are. */

import { expect, test } from 'vitest';
import { PieceText, type Shown } from '../../../../bin/show/piece-text.js';

const bytesOf = (shown: Shown) =>
  'text' in shown ? Buffer.from(shown.text, 'utf8') : Buffer.from(shown.base64, 'base64');

function shown(pieces: readonly Uint8Array[]): Shown[] {
  const text = new PieceText();
  const all = pieces.map((piece) => text.show(piece));
  const rest = text.end();
  return rest === undefined ? all : [...all, rest];
}

test('a character that is cut is text, wherever that is', () => {
  const all = Buffer.from('a\ufeffé€😀\0z');
  for (let first = 0; first <= all.length; first++) {
    for (let second = first; second <= all.length; second++) {
      const parts = shown([all.subarray(0, first), all.subarray(first, second), all.subarray(second)]);
      expect(parts.map((one) => ('text' in one ? one.text : undefined)).join('')).toBe(all.toString());
    }
  }
});

test('what is no text is there byte by byte', () => {
  const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const cases = [binary, Buffer.from([0xe2, 0x82]), Buffer.from([0xf0, 0x9f, 0x98, 0x41]), Buffer.from([0xc0])];
  for (const all of cases) {
    for (let at = 0; at <= all.length; at++) {
      const parts = shown([all.subarray(0, at), all.subarray(at)]);
      expect(Buffer.concat(parts.map(bytesOf))).toEqual(all);
    }
  }
  expect(shown([Buffer.from([0xff])])).toEqual([{ base64: '/w==' }]);
  expect(shown([Buffer.from([0x41, 0xe2])])).toEqual([{ text: 'A' }, { base64: '4g==' }]);
});
