/*
 * Included before every file of Lua: what wasi-libc lacks. There is no setjmp, so a Lua error cannot unwind the C
 * stack: it prints its message and ends the process (shims.c), and pcall just calls. Hence scripts for this Lua
 * use no errors as control flow and no coroutines, whose yield is made of the same thing. Seeds are constants:
 * a run must not depend on addresses or the time of day.
 */
#ifndef WASI_H
#define WASI_H

struct lua_State;
_Noreturn void shim_throw(struct lua_State *L, int status);

#define LUAI_THROW(L, c) shim_throw(L, (c)->status)
#define LUAI_TRY(L, c, a) { a }
#define luai_jmpbuf int
#define luai_makeseed(L) 0x5eed

/* os.execute and os.tmpname have nothing to work with: they fail. */
#define L_tmpnam 20
int system(const char *command);
#define lua_tmpnam(buffer, failed) { (void)(buffer); failed = 1; }
#define LUA_TMPNAMBUFSIZE L_tmpnam

#endif
