/** The state of this user's cache of compiled images. */

import { ImageCache } from '../image/cache.js';

export interface CacheState {
  /** Path of the folder; undefined for a user without a home: images are then compiled every time. */
  readonly folder: string | undefined;
  /** Whether images can be kept there: the folder belongs to this user, and nobody else may write to it. */
  readonly isUsable: boolean;
}

/** Creates the folder if it is missing. */
export function cacheState(): CacheState {
  const cache = new ImageCache();
  try {
    return { folder: cache.folder, isUsable: cache.isUsable() };
  } finally {
    cache.close();
  }
}
