/** Preview 1, which the interfaces stand on; pointers are to their own memory. AssemblyScript. */

export declare function args_get(argv: usize, buffer: usize): i32;
export declare function args_sizes_get(count: usize, size: usize): i32;
export declare function clock_res_get(clock: i32, resolution: usize): i32;
export declare function clock_time_get(clock: i32, precision: i64, time: usize): i32;
export declare function environ_get(environ: usize, buffer: usize): i32;
export declare function environ_sizes_get(count: usize, size: usize): i32;
export declare function fd_advise(fd: i32, offset: i64, length: i64, advice: i32): i32;
export declare function fd_close(fd: i32): i32;
export declare function fd_datasync(fd: i32): i32;
export declare function fd_fdstat_get(fd: i32, stat: usize): i32;
export declare function fd_filestat_get(fd: i32, stat: usize): i32;
export declare function fd_filestat_set_size(fd: i32, size: i64): i32;
export declare function fd_filestat_set_times(fd: i32, accessed: i64, modified: i64, flags: i32): i32;
export declare function fd_pread(fd: i32, vectors: usize, count: i32, offset: i64, done: usize): i32;
export declare function fd_prestat_dir_name(fd: i32, path: usize, length: i32): i32;
export declare function fd_prestat_get(fd: i32, stat: usize): i32;
export declare function fd_pwrite(fd: i32, vectors: usize, count: i32, offset: i64, done: usize): i32;
export declare function fd_read(fd: i32, vectors: usize, count: i32, done: usize): i32;
export declare function fd_readdir(fd: i32, buffer: usize, length: i32, cookie: i64, used: usize): i32;
export declare function fd_sync(fd: i32): i32;
export declare function fd_write(fd: i32, vectors: usize, count: i32, done: usize): i32;
export declare function path_create_directory(fd: i32, path: usize, length: i32): i32;
export declare function path_filestat_get(fd: i32, flags: i32, path: usize, length: i32, stat: usize): i32;
export declare function path_filestat_set_times(
  fd: i32,
  flags: i32,
  path: usize,
  length: i32,
  accessed: i64,
  modified: i64,
  set: i32,
): i32;
export declare function path_link(
  fd: i32,
  flags: i32,
  path: usize,
  length: i32,
  to: i32,
  newPath: usize,
  newLength: i32,
): i32;
export declare function path_open(
  fd: i32,
  lookup: i32,
  path: usize,
  length: i32,
  open: i32,
  rights: i64,
  inheriting: i64,
  flags: i32,
  opened: usize,
): i32;
export declare function path_readlink(fd: i32, path: usize, length: i32, buffer: usize, size: i32, used: usize): i32;
export declare function path_remove_directory(fd: i32, path: usize, length: i32): i32;
export declare function path_rename(fd: i32, path: usize, length: i32, to: i32, newPath: usize, newLength: i32): i32;
export declare function path_symlink(old: usize, oldLength: i32, fd: i32, path: usize, length: i32): i32;
export declare function path_unlink_file(fd: i32, path: usize, length: i32): i32;
export declare function poll_oneoff(subscriptions: usize, events: usize, count: i32, found: usize): i32;
export declare function proc_exit(code: i32): void;
export declare function random_get(buffer: usize, length: i32): i32;
