/** What an image is, as data. */

import type { ArchName } from '../arch/masm/target.js';
import { targets } from '../arch/targets.js';
import { checkTrapText } from '../image/image-check.js';
import type { ImageDescription as ImageReader } from '../image/reader.js';
import { SECTION } from '../image/tables/sections.js';

export interface ImageFacts {
  readonly arch: ArchName;
  /** Version of wag-snap that made it. */
  readonly compiler: string;
  readonly deterministic: boolean;
  /** Of the file. */
  readonly bytes: number;
  readonly codeBytes: number;
  /** Whether it continues a snapshot. */
  readonly resumes: boolean;
  /** Functions, and places at which frames can stand; null when it was compiled without: it cannot be captured. */
  readonly functions: number | null;
  readonly sites: number | null;
  readonly modules: readonly {
    readonly name: string;
    readonly sha256: string;
    readonly size: number;
    /** Whether the image carries it. */
    readonly included: boolean;
  }[];
  /** Each with the index of its module. */
  readonly instances: readonly { readonly name: string; readonly module: number }[];
}

export interface ImageDescription extends ImageFacts {
  readonly kind: 'image';
  readonly file: string;
}

export function imageFacts(image: ImageReader): ImageFacts {
  const { identity, hasSites } = image;
  const guests = identity.modules.filter(({ host }) => !host);
  return {
    arch: identity.arch,
    compiler: identity.compiler,
    deterministic: identity.deterministic,
    bytes: image.source.size,
    codeBytes: identity.text.codeSize,
    resumes: image.section(SECTION.resume) !== undefined,
    functions: hasSites ? image.sites.functionCount : null,
    sites: hasSites ? image.sites.siteCount : null,
    modules: guests.map(({ name, sha256, size, offset }) => ({ name, sha256, size, included: offset >= 0 })),
    instances: identity.instances.slice(1).map(({ name, module }) => ({ name, module: module - 1 })),
  };
}

/**
 * What is not read to tell what it is: whoever asks for one image can wait for that.
 *
 * @throws InputError 'damaged-image'
 */
export function checkImage(image: ImageReader): void {
  if (image.hasSites) checkTrapText(image, targets[image.arch]);
  for (const index of image.identity.modules.keys()) image.moduleBytes(index);
}
