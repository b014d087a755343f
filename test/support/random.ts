/** Pseudo-random numbers from a seed, the same everywhere: xorshift32. */
export function random(seed: number): () => number {
  let state = seed | 0 || 1;
  for (let i = 0; i < 8; i++) step();
  function step(): number {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  }
  return step;
}
