/*
 * Does with files what it is told, line by line, and answers each line: `unlink a` -> `unlink 0`. N is a descriptor of the guest.
 *   open N a MODE    MODE of r w + a (append) c (create); N is what it must be
 *   read N COUNT     read N 5 -> read hello
 *   write N TEXT, seek N OFFSET, tell N, size N, truncate N SIZE, close N, nlink N
 *   unlink a, rename a b, mkdir a, rmdir a
 *
 * clang --target=wasm32-wasi -Oz -s -Wl,--strip-all -o files.wasm files.c
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int modeOf(const char *mode) {
  int flags = strchr(mode, '+') ? O_RDWR : strchr(mode, 'w') ? O_WRONLY : O_RDONLY;
  if (strchr(mode, 'a')) flags |= O_APPEND;
  if (strchr(mode, 'c')) flags |= O_CREAT;
  if (strchr(mode, 'd')) flags |= O_DIRECTORY;
  return flags;
}

static void answer(const char *word, long long result) {
  if (result < 0) printf("%s errno %d\n", word, errno);
  else printf("%s %lld\n", word, result);
}

static int line(char *to, int size) {
  int length = 0;
  char byte;
  while (length < size - 1 && read(0, &byte, 1) == 1 && byte != '\n') to[length++] = byte;
  to[length] = 0;
  return length;
}

int main(void) {
  static char text[256], word[32], a[100], b[100], bytes[100];
  puts("ready");
  fflush(stdout);
  while (line(text, sizeof text) > 0) {
    struct stat stat;
    a[0] = b[0] = 0;
    sscanf(text, "%31s %99s %99s", word, a, b);
    int n = atoi(a);
    char mode[8] = "";
    if (!strcmp(word, "open")) {
      sscanf(text, "open %*s %*s %7s", mode);
      answer(word, open(b, modeOf(mode), 0644));
    } else if (!strcmp(word, "read")) {
      long got = read(n, bytes, atoi(b));
      if (got < 0) answer(word, got);
      else printf("read %.*s\n", (int)got, bytes);
    } else if (!strcmp(word, "write")) answer(word, write(n, b, strlen(b)));
    else if (!strcmp(word, "seek")) answer(word, lseek(n, atoll(b), SEEK_SET));
    else if (!strcmp(word, "tell")) answer(word, lseek(n, 0, SEEK_CUR));
    else if (!strcmp(word, "size")) answer(word, fstat(n, &stat) < 0 ? -1 : stat.st_size);
    else if (!strcmp(word, "nlink")) answer(word, fstat(n, &stat) < 0 ? -1 : (long long)stat.st_nlink);
    else if (!strcmp(word, "truncate")) answer(word, ftruncate(n, atoll(b)));
    else if (!strcmp(word, "close")) answer(word, close(n));
    else if (!strcmp(word, "unlink")) answer(word, unlink(a));
    else if (!strcmp(word, "rename")) answer(word, rename(a, b));
    else if (!strcmp(word, "mkdir")) answer(word, mkdir(a, 0755));
    else if (!strcmp(word, "rmdir")) answer(word, rmdir(a));
    else puts("what?");
    fflush(stdout);
  }
}
