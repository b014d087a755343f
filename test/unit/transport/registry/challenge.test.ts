import { expect, test } from 'vitest';
import { parseChallenges } from '../../../../src/transport/registry/challenge.js';

const read = (header: string | undefined) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test.each([
  [undefined, []],
  ['', []],
  ['Basic realm="a b"', [['basic', { realm: 'a b' }]]],
  [
    'Bearer realm="https://t/token",service="s",scope="repository:a/b:pull,push"',
    [['bearer', { realm: 'https://t/token', service: 's', scope: 'repository:a/b:pull,push' }]],
  ],
  [
    'Negotiate, BASIC Realm=x',
    [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  ['Bearer realm = "a\\"b" , error="x"', [['bearer', { realm: 'a"b', error: 'x' }]]],
  ['Bearer realm="never ends', [['bearer', {}]]],
  ['=,"', []],
  ['x'.repeat(9000), []],
])('%j', (header, expected) => {
  expect(read(header)).toEqual(expected);
});
