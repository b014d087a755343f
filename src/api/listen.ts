/**
 * Parses `--listen ADDR`, an address at which a program may accept connections, into a line of WAGSNAP_LISTEN. The
 * image itself opens the socket before it enters its sandbox, so that an image started by hand can do the same. Host
 * names are looked up here.
 */

import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { ToolError, UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';

const EXPECTED = 'expected HOST:PORT, [IPv6]:PORT or unix:PATH';

/** @returns a line of WAGSNAP_LISTEN. @throws UsageError, ToolError when the name has no address */
export async function parseListen(text: string): Promise<string> {
  if (text.startsWith('unix:')) {
    if (text.length === 5 || /[\n\0]/.test(text)) throw new UsageError(`--listen ${quoted(text)}: ${EXPECTED}`);
    return `unix:${resolve(text.slice(5))}`;
  }
  const match = /^(?:\[([^\]\s]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  if (!match || Number(match[3]) > 65535 || (match[1] !== undefined && !isIPv6(match[1]))) {
    throw new UsageError(`--listen ${quoted(text)}: ${EXPECTED}`);
  }
  const [, six, name, port] = match;
  const { address, family } = await lookup(six ?? name).catch((error: Error) => {
    throw new ToolError('lookup', `--listen ${text}: ${error.message}`);
  });
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
