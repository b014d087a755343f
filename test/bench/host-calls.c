/*
 * Nanoseconds per host call: one source for wasm32-wasi, where the calls are WASI's functions themselves, and for Linux, where they
 * are what a C program calls for the same. Standard output is /dev/null and receives what is written; the working directory
 * has a file "file". Prints a line `NAME NANOSECONDS` per call to standard error: the least mean of many short rounds, which a
 * busy machine disturbs least.
 *
 * On Linux an argument puts it into a sandbox like ours, to tell what the kernel takes for that: a system call filter, which
 * allows everything, and Landlock with all rights below the working directory.
 *
 *     clang --target=wasm32-wasi --sysroot=/usr -std=gnu11 -O2 -Wl,--strip-debug host-calls.c -o host-calls.wasm
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 60

#ifdef __wasi__

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) int wasi_##name
struct vector {
  const void *data;
  uint32_t size;
};
WASI(fd_write)(int fd, const struct vector *vectors, uint32_t count, uint32_t *written);
WASI(clock_time_get)(int clock, uint64_t precision, uint64_t *time);
WASI(path_open)
(int directory, int lookup, const char *path, uint32_t length, int oflags, uint64_t rights, uint64_t inheriting, int flags, int *fd);
WASI(fd_close)(int fd);

enum { MONOTONIC = 1, DIRECTORY = 3, FD_READ = 2 };

static int write_bytes(const void *data, uint32_t size) {
  struct vector vector = {data, size};
  uint32_t written;
  return wasi_fd_write(1, &vector, 1, &written) == 0 && written == size;
}

static int get_time(void) {
  uint64_t time;
  return wasi_clock_time_get(MONOTONIC, 1, &time) == 0;
}

static int open_close(void) {
  int fd;
  return wasi_path_open(DIRECTORY, 1, "file", 4, 0, FD_READ, 0, 0, &fd) == 0 && wasi_fd_close(fd) == 0;
}

static void prepare(int sandboxed) {
  if (sandboxed) abort();
}

#else

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int directory;

static int write_bytes(const void *data, uint32_t size) { return write(1, data, size) == (ssize_t)size; }

static int get_time(void) {
  struct timespec time;
  return clock_gettime(CLOCK_MONOTONIC, &time) == 0;
}

static int open_close(void) {
  int fd = openat(directory, "file", O_RDONLY | O_CLOEXEC);
  return fd >= 0 && close(fd) == 0;
}

/* A kernel without Landlock says so, and goes without. */
static void restrict_paths(void) {
  struct landlock_ruleset_attr handled = {.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
  struct landlock_path_beneath_attr rule = {.allowed_access = handled.handled_access_fs, .parent_fd = directory};
  int rules = syscall(SYS_landlock_create_ruleset, &handled, sizeof handled.handled_access_fs, 0);
  if (rules < 0 || syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0 ||
      syscall(SYS_landlock_restrict_self, rules, 0) != 0)
    perror("landlock");
}

static void prepare(int sandboxed) {
  directory = open(".", O_RDONLY | O_DIRECTORY);
  if (!sandboxed) return;
  struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  struct sock_fprog program = {1, &allow};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) abort();
  restrict_paths();
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) abort();
}

#endif

static char bytes[65536];

static int write_byte(void) { return write_bytes(bytes, 1); }
static int write_64k(void) { return write_bytes(bytes, sizeof bytes); }

static const struct {
  const char *name;
  int (*call)(void);
  int count; /* of a round, which shall last less than a millisecond */
} calls[] = {
    {"write1", write_byte, 2000},
    {"write64k", write_64k, 2000},
    {"clock", get_time, 5000},
    {"open", open_close, 300},
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int argc, char **argv) {
  (void)argv;
  prepare(argc > 1);
  for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
    double least = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
      double start = now();
      for (int n = 0; n < calls[i].count; n++) {
        if (!calls[i].call()) {
          fprintf(stderr, "%s fails\n", calls[i].name);
          return 1;
        }
      }
      double mean = (now() - start) / calls[i].count;
      if (mean < least) least = mean;
    }
    fprintf(stderr, "%s %.1f\n", calls[i].name, least);
  }
  return 0;
}
