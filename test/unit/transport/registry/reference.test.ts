import { expect, test } from 'vitest';
import { isLoopback, parseRegistryReference, registryText } from '../../../../src/transport/registry/reference.js';

const HEX = 'ab'.repeat(32);

test.each([
  ['oci://localhost:5000/job', { host: 'localhost:5000', repository: 'job' }],
  [
    'oci://registry.example/team/a-b__c.d/job:3',
    { host: 'registry.example', repository: 'team/a-b__c.d/job', tag: '3' },
  ],
  [`oci://h/r@sha256:${HEX}`, { host: 'h', repository: 'r', digest: `sha256:${HEX}` }],
  ['oci://[::1]:5000/r:A_b.c-d', { host: '[::1]:5000', repository: 'r', tag: 'A_b.c-d' }],
])('%s', (text, expected) => {
  const parsed = parseRegistryReference(text);
  expect(parsed).toEqual({ tag: undefined, digest: undefined, ...expected });
  expect(registryText(parsed)).toBe(text);
});

test.each([
  'oci://',
  'oci:///r',
  'oci://h',
  'oci://h/',
  'oci://h/R',
  'oci://h/a//b',
  'oci://h/a/',
  'oci://h/../x',
  'oci://h/r:',
  'oci://h/r:.a',
  `oci://h/r:${'a'.repeat(129)}`,
  `oci://h/${'a'.repeat(256)}`,
  'oci://h:0/r',
  'oci://h:70000/r',
  'oci://[::1/r',
  'oci://[zz]/r',
  'oci://h/r@sha256:12',
  `oci://h/r:1@sha256:${HEX}`,
  'oci://h/r?x=1',
  'oci://h/r#x',
  'oci://h\n/r',
  'h/r',
  'https://h/r',
])('refuses %j', (text) => {
  expect(() => parseRegistryReference(text)).toThrow(
    expect.objectContaining({ code: 'reference', message: expect.stringContaining('oci://HOST') }),
  );
});

test('a password in a name is refused and not shown', () => {
  expect(() => parseRegistryReference('oci://me:hunter2@h/r')).toThrow(
    expect.objectContaining({ code: 'reference', message: expect.not.stringContaining('hunter2') }),
  );
});

test('what is this machine', () => {
  for (const host of ['localhost', 'localhost:5000', 'a.localhost', '127.0.0.1:1', '127.9.9.9', '[::1]:5', '[::1]']) {
    expect([host, isLoopback(host)]).toEqual([host, true]);
  }
  for (const host of ['localhost.example', '127.0.0.1.example', '128.0.0.1', '[::2]', '0.0.0.0', 'h:127']) {
    expect([host, isLoopback(host)]).toEqual([host, false]);
  }
});
