/** Describes a descriptor of a snapshot on one line, for messages and listings. Names are not escaped. */

import { formatTime } from './file-facts.js';
import type { Descriptor, FileFacts } from './host.js';

/** `4: file moved/data below 3 at offset 5`. */
export function descriptorLine(descriptor: Descriptor): string {
  const { fd, kind, preopen, readOnly, offset, path, guestName, hostPath, stream } = descriptor;
  if (kind === 'stdio') return `${fd}: standard stream${stream === undefined ? '' : ` ${stream}`}`;
  if (kind === 'socket') return `${fd}: connection`;
  if (kind === 'listener') return `${fd}: listens at ${textOf(descriptor.path)}`;
  if (kind === 'preopen') return `${fd}: ${textOf(guestName)} = ${textOf(hostPath)}${readOnly ? ' (read-only)' : ''}`;
  if (kind === 'null') return `${fd}: nothing (ignored)`;
  const offsetText = kind === 'directory' ? '' : ` at offset ${count(offset)}`;
  const place = `${offsetText}${stateText(descriptor)}`;
  if (kind === 'given') return `${fd}: file ${textOf(hostPath)}${place}`;
  return `${fd}: ${kind} ${textOf(path)} below ${preopen}${place}`;
}

function stateText({ facts, contents, nameless }: Descriptor): string {
  if (contents !== undefined) return `, unlinked, ${count(contents.size)} bytes in the snapshot`;
  return `${factsText(facts)}${nameless ? ', without a name when it was captured' : ''}`;
}

function factsText(facts: FileFacts | undefined): string {
  if (facts === undefined) return '';
  const { type, size, modified, sha256 } = facts;
  const what = type === 'file' ? `${count(size)} bytes` : type;
  return `, ${what}, modified ${formatTime(modified)}${sha256 === undefined ? '' : `, sha256 ${sha256.slice(0, 16)}…`}`;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function count(n: number | bigint): string {
  return n.toLocaleString('en-US');
}
