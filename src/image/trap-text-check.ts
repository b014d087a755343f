/** Checks an image's trap text against its text. */

import type { Target } from '../arch/masm/target.js';
import type { ImageDescription } from './reader.js';
import { damaged } from './tables/damaged.js';
import { SECTION } from './tables/sections.js';

const CHUNK = 1 << 20;

/**
 * Trap text is text with a trap at each site and nothing else: the process maps it to stop.
 *
 * @param target of the image's CPU
 */
export function checkTrapText(image: ImageDescription, { safepointTrap }: Target): void {
  const { identity, sites, source } = image;
  const section = image.section(SECTION.trapText);
  if (section === undefined || section.size !== identity.text.size)
    throw damaged('its trap text is not as long as its text');
  const trap = safepointTrap.length;
  let site = 0;
  for (let at = 0; at < section.size; ) {
    // A chunk ends before a site that it would cut.
    const size = Math.min(CHUNK, section.size - at);
    const text = Uint8Array.from(image.loadedBytes(identity.text.imageOffset + at, size));
    let end = at + size;
    for (; site < sites.siteCount; site++) {
      const { textOffset } = sites.site(site);
      if (textOffset >= at + size) break;
      if (textOffset + trap > at + size) {
        end = textOffset;
        break;
      }
      text.set(safepointTrap, textOffset - at);
    }
    if (end === at) throw damaged('a site lies at the end of its text');
    const trapped = source.read(section.fileOffset + at, end - at);
    if (Buffer.compare(text.subarray(0, end - at), trapped) !== 0) throw damaged('its trap text is not of its text');
    at = end;
  }
}
