/**
 * Converts descriptors to rows of an annex, and back. A row is about one descriptor, or about several that share a
 * file.
 */

import type { Annex } from './annex-schema.js';
import { groupContents } from './file-contents.js';
import type { Descriptor, FileContents, FileFacts } from './host.js';

/** Undefined when the annex would be empty. */
export function annexRows(descriptors: readonly Descriptor[]): object | undefined {
  const files = descriptors.flatMap(({ fd, facts }) =>
    facts === undefined ? [] : [{ fd, ...facts, sha256: facts.sha256 ?? null }],
  );
  const parts = {
    listings: descriptors.flatMap(({ fd, listed }) => (listed === undefined ? [] : [{ fd, names: listed }])),
    contents: contentsRows(descriptors),
    nameless: descriptors.flatMap(({ fd, nameless }) => (nameless ? [fd] : [])),
  };
  const identities = identityRows(descriptors);
  const present = Object.entries(parts).filter(([, rows]) => rows.length > 0);
  if (files.length === 0 && present.length === 0 && identities === undefined) return undefined;
  return { files, ...Object.fromEntries(present), ...(identities === undefined ? {} : { identities }) };
}

/** All identities in a snapshot are of the same boot. */
function identityRows(descriptors: readonly Descriptor[]): object | undefined {
  const files = descriptors.flatMap(({ fd, identity }) => {
    if (identity === undefined) return [];
    const { device, inode, born } = identity;
    return [{ fd, device, inode, ...(born === undefined ? {} : { born }) }];
  });
  const boot = descriptors.find(({ identity }) => identity !== undefined)?.identity?.boot;
  return boot === undefined ? undefined : { boot, files };
}

function contentsRows(descriptors: readonly Descriptor[]): object[] {
  return groupContents(descriptors).map(({ contents, fds }) => {
    const { fileOffset, size, sha256 } = contents;
    return { fds, at: fileOffset, size, sha256 };
  });
}

/** @param contentsOf gives the contents of a descriptor, checked */
export function addRows(
  descriptors: readonly Descriptor[],
  { files, listings, identities, nameless }: Annex,
  contentsOf: ReadonlyMap<number, FileContents>,
): Descriptor[] {
  const facts = new Map<number, FileFacts>();
  for (const { fd, sha256, ...rest } of files) facts.set(fd, sha256 === null ? rest : { ...rest, sha256 });
  const names = new Map(listings?.map(({ fd, names }) => [fd, names]));
  const identityOf = new Map(identities?.files.map(({ fd, ...rest }) => [fd, { boot: identities.boot, ...rest }]));
  const withoutName = new Set(nameless);
  return descriptors.map((descriptor) => {
    const { fd, kind } = descriptor;
    const isFile = kind === 'file' || kind === 'given';
    const isDirectory = kind === 'directory' || kind === 'preopen';
    if (!isFile && !isDirectory) return descriptor;
    const parts = {
      facts: isFile ? facts.get(fd) : undefined,
      listed: isDirectory ? names.get(fd) : undefined,
      identity: identityOf.get(fd),
      contents: contentsOf.get(fd),
      nameless: (kind !== 'preopen' && withoutName.has(fd)) || undefined,
    };
    return { ...descriptor, ...Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) };
  });
}
