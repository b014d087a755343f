/*
 * What a program keeps over a snapshot: open files, directories, its clock, a sleep. `keeps read` waits for a line of
 * standard input, `keeps sleep` sleeps for an hour; then both use what they had before. Needs a preopen /d with
 * sub/data and many/. Rebuild: clang --target=wasm32-wasi --sysroot=/usr -O1 -Wl,--strip-debug keeps.c -o keeps.wasm
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void check(int ok, const char *what) {
  if (ok) return;
  printf("%s: %s\n", what, strerror(errno));
  exit(1);
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static char seen[1000];

static int list(DIR *directory, int limit) {
  int count = 0;
  for (struct dirent *entry; count < limit && (entry = readdir(directory)); count++) {
    int number = atoi(entry->d_name);
    if (entry->d_name[0] != '.') check(seen[number]++ == 0, "an entry twice");
  }
  return count;
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IONBF, 0);
  int data = open("/d/sub/data", O_RDWR);
  check(data >= 0, "data");
  char text[100];
  check(read(data, text, 5) == 5, "read");
  int log = open("/d/./log", O_WRONLY | O_APPEND | O_CREAT, 0666);
  check(log >= 0 && write(log, "before\n", 7) == 7, "log");
  check(rename("/d/sub", "/d/moved") == 0, "rename");
  DIR *directory = opendir("/d/many");
  check(directory != NULL, "opendir");
  int entries = list(directory, 7);
  long long started = now();
  puts("ready");

  if (strcmp(argv[1], "read") == 0) {
    long count = read(0, text, sizeof text);
    printf("input %.*s", (int)count, text);
  } else {
    struct timespec time = {3600, 0};
    check(nanosleep(&time, NULL) == 0, "nanosleep");
    printf("slept %lld ms\n", (now() - started) / 1000000);
  }

  check(read(data, text, 5) == 5, "read");
  printf("data %.5s\n", text);
  check(pwrite(data, "X", 1, 0) == 1, "pwrite");
  check(write(log, "after\n", 6) == 6, "log");
  entries += list(directory, 1000);
  printf("entries %d\n", entries);
  check(now() >= started, "time");
  for (int i = 0; i < argc; i++) printf("arg %s\n", argv[i]);
  printf("env %s\n", getenv("KEPT"));
  int again = open("/d/moved/data", O_RDONLY);
  check(read(again, text, 3) == 3, "again");
  printf("again %.3s\n", text);
  return 0;
}
