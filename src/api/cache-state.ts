/** The cache of compiled images of this user. */

import { ImageCache } from '../image/cache.js';

export interface CacheState {
  /** Undefined for a user without a home: images are compiled every time. */
  readonly folder: string | undefined;
  /** Whether images are kept there: it is a folder of this user's, and nobody else may write to it. */
  readonly isUsable: boolean;
}

/** Makes the folder if it is not there. */
export function cacheState(): CacheState {
  const cache = new ImageCache();
  try {
    return { folder: cache.folder, isUsable: cache.isUsable() };
  } finally {
    cache.close();
  }
}
