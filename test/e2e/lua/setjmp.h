/* Lua includes it; wasi.h makes its contents unnecessary. */
