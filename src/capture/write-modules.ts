/** The binaries of the guests' modules, as the image has them, on the way into a snapshot. */

import { InputError } from '../base/errors.js';
import type { ImageDescription } from '../image/reader.js';
import type { Difference } from '../snapshot/difference.js';
import type { SnapshotModule } from '../snapshot/snapshot.js';
import type { SnapshotWriter } from '../snapshot/writer.js';

/**
 * Writes them, without the host layer, which is module 0.
 *
 * @param without leaves the binaries out
 * @param difference knows the binaries that the parent has: they are not written again
 * @throws InputError when the image is damaged
 */
export function writeModules(
  image: ImageDescription,
  writer: SnapshotWriter,
  without: boolean,
  difference: Difference | undefined,
): SnapshotModule[] {
  const { modules } = image.identity;
  if (modules.findIndex(({ host }) => host) !== 0 || modules.filter(({ host }) => host).length !== 1) {
    throw new InputError('damaged-image', 'damaged image: the host layer is not its first module');
  }
  return modules.slice(1).map(({ name, sha256, size }, i) => {
    const place = without ? undefined : difference?.module(i);
    if (place !== undefined) return { name, sha256, size, ...place };
    const bytes = without ? undefined : image.moduleBytes(i + 1);
    return { name, sha256, size, fileOffset: bytes && writer.addModule(bytes) };
  });
}
