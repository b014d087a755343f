/**
 * A call of one exported function instead of the program's entry (`run --invoke`). Offsets are in bytes from the start
 * of its block, of u64 words.
 *
 * README.md of this folder says what holds for all of its files.
 */

export const CALL_RECORD = 0; // address of the function's record; in what the tool sends, its image offset
export const CALL_INITIALIZE = 8; // 1: the main module's entry, a reactor's _initialize, runs before
export const CALL_RESULTS = 16; // how many results it has
export const CALL_RESULT_CELLS = 24; // u64 words that they take
export const CALL_ARGUMENT_CELLS = 32;
export const CALL_HEADER = 40; // then the types of the results, a word each, then the cells of the arguments
export const CALL_WORDS_MAX = 8192; // after the header
