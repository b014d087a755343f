/** Descriptors of a snapshot made by hand, for tests. */

import type { Descriptor, DescriptorKind } from '../../../src/snapshot/host.js';

const none = new Uint8Array();
const empty: Descriptor = {
  fd: 0,
  kind: 'stdio',
  path: none,
  preopen: 0,
  guestName: none,
  hostPath: none,
  readOnly: false,
  flags: 0,
  openFlags: 0,
  rights: 0n,
  rightsInheriting: 0n,
  offset: 0n,
  cookie: 0n,
};

type Texts = Partial<Record<'path' | 'guestName' | 'hostPath', string>>;
type Rest = Partial<Omit<Descriptor, keyof Texts>>;

export function descriptor(fd: number, kind: DescriptorKind, fields: Texts & Rest = {}): Descriptor {
  const { path = '', guestName = '', hostPath = '', ...rest } = fields;
  const bytes = (text: string) => new TextEncoder().encode(text);
  const texts = { path: bytes(path), guestName: bytes(guestName), hostPath: bytes(hostPath) };
  return { ...empty, ...rest, fd, kind, ...texts };
}

/** `[fd, kind, its first text]` of each, for comparisons. */
export function summary(descriptors: readonly Descriptor[]): [number, DescriptorKind, string][] {
  return descriptors.map(({ fd, kind, path, guestName, hostPath }) => [
    fd,
    kind,
    [guestName, path, hostPath].map((bytes) => Buffer.from(bytes).toString()).find((text) => text !== '') ?? '',
  ]);
}
