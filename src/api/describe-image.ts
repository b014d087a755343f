/** Describes an image as data. */

import { targets } from '../arch/targets.js';
import type { ImageDescription as ImageReader } from '../image/reader.js';
import { SECTION } from '../image/tables/sections.js';
import { checkTrapText } from '../image/trap-text-check.js';
import type { ImageFacts } from './description.js';

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
    hostImports: identity.hostImports ?? [],
    functions: hasSites ? image.sites.functionCount : null,
    sites: hasSites ? image.sites.siteCount : null,
    modules: guests.map(({ name, sha256, size, offset }) => ({ name, sha256, size, included: offset >= 0 })),
    instances: identity.instances.slice(1).map(({ name, module }) => ({ name, module: module - 1 })),
  };
}

/**
 * Checks also the parts that imageFacts does not need. Costs time, so only for a single image.
 *
 * @throws InputError 'damaged-image'
 */
export function checkImage(image: ImageReader): void {
  if (image.hasSites) checkTrapText(image, targets[image.arch]);
  for (const index of image.identity.modules.keys()) image.moduleBytes(index);
}
