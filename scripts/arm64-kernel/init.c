/*
 * The first process of an ARM64 kernel that shows what wag-snap's images do on it. No libc: static, with system calls of
 * its own. Mounts /proc, reports about the kernel, starts each line of /programs, prints how each ended, powers off.
 *
 * A line of /programs is `MODE PATH [ARGUMENT…]`. MODE `run` waits for the end; `stop` sends SIGUSR2 on the way, like a
 * stray `kill` from a shell, and says in which state the process is; `dir` gives it /data as a directory; `noclock` kills
 * it when it makes the system call clock_gettime.
 * clang --target=aarch64-linux-gnu -nostdlib -static -fno-stack-protector
 */

typedef long word;

/* include/uapi/asm-generic/unistd.h */
enum {
  SYS_mount = 40, SYS_openat = 56, SYS_close = 57, SYS_read = 63, SYS_write = 64, SYS_exit = 93, SYS_nanosleep = 101,
  SYS_clock_gettime = 113, SYS_kill = 129, SYS_reboot = 142, SYS_uname = 160, SYS_prctl = 167, SYS_clone = 220, SYS_execve = 221, SYS_wait4 = 260,
};
enum { AT_FDCWD = -100, SIGCHLD = 17, SIGUSR2 = 12, MAGIC1 = (int)0xfee1dead, MAGIC2 = 672274793 };
/* include/uapi/linux/prctl.h, bpf_common.h, seccomp.h */
enum { PR_SET_SECCOMP = 22, PR_SET_NO_NEW_PRIVS = 38, MODE_FILTER = 2, LOAD_WORD = 0x20, JUMP_EQUAL = 0x15, RETURN = 6 };
#define KILL_PROCESS 0x80000000u
#define ALLOW 0x7fff0000u
enum { POWER_OFF = 0x4321fedc, AT_PAGESZ = 6, AT_HWCAP = 16 };

static word call(word number, word a, word b, word c, word d, word e) {
  register word x8 __asm__("x8") = number;
  register word x0 __asm__("x0") = a;
  register word x1 __asm__("x1") = b;
  register word x2 __asm__("x2") = c;
  register word x3 __asm__("x3") = d;
  register word x4 __asm__("x4") = e;
  register word x5 __asm__("x5") = 0;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

static word length(const char *text) {
  word n = 0;
  while (text[n]) n++;
  return n;
}

static void say(const char *text) { call(SYS_write, 1, (word)text, length(text), 0, 0); }

static void number(word value) {
  char digits[24];
  int at = sizeof digits - 1;
  word rest = value < 0 ? -value : value;
  digits[at] = 0;
  do digits[--at] = (char)('0' + rest % 10);
  while (rest /= 10);
  if (value < 0) digits[--at] = '-';
  say(digits + at);
}

static void rest(word milliseconds) {
  word time[2] = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  call(SYS_nanosleep, (word)time, 0, 0, 0, 0);
}

static word read_file(const char *path, char *to, word size) {
  word fd = call(SYS_openat, AT_FDCWD, (word)path, 0, 0, 0), n, total = 0;
  if (fd < 0) return fd;
  while (total < size - 1 && (n = call(SYS_read, fd, (word)(to + total), size - 1 - total, 0, 0)) > 0) total += n;
  call(SYS_close, fd, 0, 0, 0, 0);
  to[total] = 0;
  return total;
}

static int starts(const char *text, const char *with) {
  while (*with)
    if (*text++ != *with++) return 0;
  return 1;
}

/* What /proc/PID/status says of the sandbox and of the state, the lines joined. */
static void say_status(word pid) {
  static char status[4096], path[32];
  char digits[24];
  int at = sizeof digits - 1, to = 6;
  digits[at] = 0;
  do digits[--at] = (char)('0' + pid % 10);
  while (pid /= 10);
  for (int i = 0; i < 6; i++) path[i] = "/proc/"[i];
  while (digits[at]) path[to++] = digits[at++];
  for (int i = 0; i < 8; i++) path[to++] = "/status"[i];
  if (read_file(path, status, sizeof status) < 0) return;
  say("[init]   ");
  for (char *line = status; *line;) {
    char *end = line;
    while (*end && *end != '\n') end++;
    int more = *end != 0;
    *end = 0;
    if (starts(line, "State:") || starts(line, "Seccomp") || starts(line, "NoNewPrivs:")) say(line), say("  ");
    line = end + more;
  }
  say("\n");
}

/* Time without a system call, or none. */
static void forbid_clock(void) {
  static struct { unsigned short code; unsigned char if_true, if_false; unsigned value; } filter[] = {
    {LOAD_WORD, 0, 0, 0}, {JUMP_EQUAL, 0, 1, SYS_clock_gettime}, {RETURN, 0, 0, KILL_PROCESS}, {RETURN, 0, 0, ALLOW},
  };
  static struct { unsigned short count; void *filter; } program = {4, filter};
  call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (call(SYS_prctl, PR_SET_SECCOMP, MODE_FILTER, (word)&program, 0, 0) != 0) say("[init] no system call filters\n");
}

static char *environment[] = {0, 0};

static void start(char *line) {
  static char *words[16];
  int count = 0, status = 0;
  say("\n[init] ");
  say(line);
  say("\n");
  for (char *at = line; *at && count < 15;) {
    words[count++] = at;
    while (*at && *at != ' ') at++;
    if (*at) *at++ = 0;
  }
  words[count] = 0;
  int stop = starts(words[0], "stop"), no_clock = starts(words[0], "noclock");
  environment[0] = starts(words[0], "dir") ? "WAGSNAP_DIR=/data::/" : 0;
  word pid = call(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    if (no_clock) forbid_clock();
    word error = call(SYS_execve, (word)words[1], (word)(words + 1), (word)environment, 0, 0);
    say("[init] execve: ");
    number(error);
    say("\n");
    call(SYS_exit, 127, 0, 0, 0, 0);
  }
  if (stop) {
    rest(1500);
    say_status(pid);
    call(SYS_kill, pid, SIGUSR2, 0, 0, 0);
    rest(500);
    say("[init]   SIGUSR2 sent half a second ago:\n");
    say_status(pid);
    rest(4000);
    say("[init]   4.5 seconds ago:\n");
    say_status(pid);
  }
  while (call(SYS_wait4, -1, (word)&status, 0, 0, 0) != pid) continue; /* others are orphans */
  say((status & 0x7f) ? "[init] signal " : "[init] exit code ");
  number((status & 0x7f) ? status & 0x7f : status >> 8 & 0xff);
  say("\n");
}

static void describe(word *stack) {
  static char name[6 * 65], text[256];
  call(SYS_uname, (word)name, 0, 0, 0, 0);
  say("\n[init] ");
  say(name), say(" "), say(name + 2 * 65), say(" "), say(name + 4 * 65), say("\n");
  word *at = stack + 1 + *stack + 1;
  while (*at++) continue;
  for (; at[0]; at += 2) {
    if (at[0] == AT_PAGESZ) say("[init] page size "), number(at[1]), say("\n");
    if (at[0] == AT_HWCAP) say("[init] HWCAP "), number(at[1]), say("\n");
  }
  call(SYS_mount, (word) "none", (word) "/sys", (word) "sysfs", 0, 0);
  call(SYS_mount, (word) "none", (word) "/sys/kernel/security", (word) "securityfs", 0, 0);
  if (read_file("/sys/kernel/security/lsm", text, sizeof text) > 0) say("[init] security modules: "), say(text), say("\n");
}

__attribute__((used)) void run(word *stack) {
  static char programs[4096];
  call(SYS_mount, (word) "none", (word) "/proc", (word) "proc", 0, 0);
  describe(stack);
  if (read_file("/programs", programs, sizeof programs) < 0) say("[init] no /programs\n");
  for (char *line = programs; *line;) {
    char *end = line;
    while (*end && *end != '\n') end++;
    int more = *end != 0;
    *end = 0;
    if (*line) start(line);
    line = end + more;
  }
  say("\n[init] done\n");
  call(SYS_reboot, MAGIC1, MAGIC2, POWER_OFF, 0, 0);
  for (;;) rest(1000);
}

__asm__(".globl _start\n_start:\n  mov x0, sp\n  bl run\n");
