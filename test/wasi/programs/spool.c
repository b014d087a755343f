// Makes 1000 files and removes each as it lists them, as rm -r and every spool does; waits for a byte after 300.
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
  char path[300];
  for (int i = 0; i < 1000; i++) {
    snprintf(path, sizeof path, "/f%04d", i);
    fclose(fopen(path, "w"));
  }
  DIR *dir = opendir("/");
  struct dirent *entry;
  int deleted = 0;
  while ((entry = readdir(dir))) {
    if (entry->d_name[0] != 'f') continue;
    snprintf(path, sizeof path, "/%s", entry->d_name);
    unlink(path);
    printf("%d\n", ++deleted);
    fflush(stdout);
    if (deleted == 300) read(0, path, 1);
  }
  printf("deleted %d\n", deleted);
}
