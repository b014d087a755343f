/**
 * Warns of a granted directory that holds the cache of compiled images. A program that may write there can replace the
 * image that the next `wag-snap run` starts, outside of any sandbox.
 */

import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { quoted } from '../base/terminal-text.js';
import { cacheFolder } from '../image/cache.js';

/** A warning for each such directory. @param directories host paths of the granted directories */
export function cacheGrantWarnings(
  directories: readonly { readonly host: string; readonly readOnly?: boolean | undefined }[],
): string[] {
  const warnings: string[] = [];
  const cache = real(cacheFolder());
  if (cache === undefined) return warnings;
  for (const { host, readOnly } of directories) {
    const granted = real(host);
    if (readOnly || granted === undefined || !`${cache}${sep}`.startsWith(granted === sep ? sep : `${granted}${sep}`)) {
      continue;
    }
    warnings.push(
      `--dir ${quoted(host)} holds the cache of compiled images: the program can choose what ` +
        'the next wag-snap run starts (add :ro, give a folder below it, or set XDG_CACHE_HOME)',
    );
  }
  return warnings;
}

function real(path: string | undefined): string | undefined {
  try {
    return path === undefined ? undefined : realpathSync(path);
  } catch {
    return undefined;
  }
}
