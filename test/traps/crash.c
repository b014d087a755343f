/*
 * Crashes in a nested call: _start > outer > middle > inner, which stores to where no memory is. Before, it leaves a text and a
 * counter in its memory. Needs no C library. Rebuild:
 *
 *     clang --target=wasm32 -nostdlib -O1 -Wl,--no-entry -Wl,--export=_start crash.c -o crash.wasm
 */
char text[64];
volatile int counter[50000];

__attribute__((noinline)) static long long inner(int *where, long long value, double factor) {
  *where = (int)(value * factor);
  return value + *where;
}

__attribute__((noinline)) static long long middle(int depth, float share) {
  int *where = depth == 3 ? (int *)0x40000000 : (int *)&counter[depth];
  long long sum = inner(where, depth * 1000000007LL, share);
  counter[depth] = depth;
  return sum + depth;
}

__attribute__((noinline)) static long long outer(int first, double weight) {
  long long sum = 0;
  for (int depth = first; depth < 10; depth++) sum += middle(depth, 0.25f) * 3;
  return sum + (long long)weight;
}

void _start(void) {
  static const char words[] = "what was there when it crashed";
  for (int i = 0; i < (int)sizeof words; i++) text[i] = words[i];
  counter[49999] = 12345;
  counter[0] = (int)outer(1, 6.5);
}
