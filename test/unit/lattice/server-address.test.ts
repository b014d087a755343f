/** What the NATS client is told of URLs that users give. */

import { expect, test } from 'vitest';
import { parseAddress, withoutPasswords } from '../../../src/lattice/server-address.js';

test.each([
  ['nats://10.0.0.1:4222', { servers: ['10.0.0.1:4222'] }],
  ['host', { servers: ['host'] }],
  [' nats://a:1 , nats://[::1]:2/', { servers: ['a:1', '[::1]:2'] }],
  ['tls://a:1', { servers: ['a:1'], tls: {} }],
  ['nats://a:1,tls://b:1', { servers: ['a:1', 'b:1'], tls: {} }],
  ['nats://u:p%40w@a:1', { servers: ['a:1'], user: 'u', pass: 'p@w' }],
  ['nats://word@a:1', { servers: ['a:1'], token: 'word' }],
])('%s', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each(['http://a:1', 'nats://', '', 'nats://a:1,,', 'nats://a:port', 'ws://u:secret@a'])(
  '%s is refused',
  (text) => {
    expect(() => parseAddress(text)).toThrow(/expected nats:\/\/HOST:PORT or tls:\/\/HOST:PORT/);
    expect(() => parseAddress(text)).not.toThrow(/secret/);
  },
);

test('no message names a password', () => {
  expect(withoutPasswords('nats://u:secret@a:1,tls://word@b')).toBe('nats://a:1,tls://b');
});
