/**
 * A page sink that leaves pages where they are: the restored process inherits the snapshot's file and maps them. So
 * restoring a gigabyte does not read a gigabyte.
 */

import { BugError } from '../base/errors.js';
import type { ByteSource, PageSink, PageSource, PlacedPages } from '../snapshot/pages.js';

export class MappedPages implements PageSink {
  async takePages({ stored }: PageSource): Promise<PlacedPages> {
    if (stored === undefined) throw new BugError('pages that lie in no file cannot be mapped');
    return stored;
  }

  async takeContents({ fileOffset }: ByteSource): Promise<number> {
    if (fileOffset === undefined) throw new BugError('contents that lie in no file cannot be opened there');
    return fileOffset;
  }
}
