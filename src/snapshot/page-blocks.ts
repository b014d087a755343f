/**
 * Which 4 KiB blocks of a 64 KiB page have anything in them.
 *
 * NOTE: the first words tell for nearly every used block; only a block that starts with zeros is compared as a whole,
 * by memcmp: 256 MiB of zeros take 8 ms, a loop over words takes 23.
 */

export const BLOCK = 4096;
export const BLOCKS_PER_PAGE = 16;
const ZERO = Buffer.alloc(BLOCK);

/**
 * @param words the same memory as `bytes`, as int32
 * @param at byte offset of the page, a multiple of 4
 * @param candidates blocks to look at: bit n for block n; the others count as zero
 * @returns bit n set: block n is not zero
 */
export function usedBlocks(bytes: Buffer, words: Int32Array, at: number, candidates: number): number {
  let used = 0;
  for (let n = 0; n < BLOCKS_PER_PAGE; n++) {
    if ((candidates & (1 << n)) === 0) continue;
    const start = at + n * BLOCK;
    const word = start >> 2;
    if (
      (words[word] | words[word + 1] | words[word + 512] | words[word + 1023]) !== 0 ||
      bytes.compare(ZERO, 0, BLOCK, start, start + BLOCK) !== 0
    ) {
      used |= 1 << n;
    }
  }
  return used;
}
