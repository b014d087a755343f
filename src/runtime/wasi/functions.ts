/**
 * The functions of WASI preview 1: each one's name and type, and whether the host layer does it or says ENOSYS.
 *
 * TypeScript, not part of the host layer; a test holds its exports against this table. Source: the witx of
 * wasi_snapshot_preview1, lowered to core types; i is i32, I is i64. All return an i32 errno but proc_exit.
 */

export const WASI_MODULE = 'wasi_snapshot_preview1';

export interface WasiFunction {
  /** Core parameter types: a letter each, i for i32 and I for i64. */
  readonly params: string;
  /** False: the function returns ENOSYS (52) and has no effect. */
  readonly done: boolean;
}

const done = (params: string): WasiFunction => ({ params, done: true });
const missing = (params: string): WasiFunction => ({ params, done: false });

export const WASI_FUNCTIONS: Readonly<Record<string, WasiFunction>> = {
  args_get: done('ii'),
  args_sizes_get: done('ii'),
  environ_get: done('ii'),
  environ_sizes_get: done('ii'),
  clock_res_get: done('ii'),
  clock_time_get: done('iIi'),
  fd_advise: done('iIIi'),
  fd_allocate: missing('iII'),
  fd_close: done('i'),
  fd_datasync: done('i'),
  fd_fdstat_get: done('ii'),
  fd_fdstat_set_flags: done('ii'),
  fd_fdstat_set_rights: missing('iII'),
  fd_filestat_get: done('ii'),
  fd_filestat_set_size: done('iI'),
  fd_filestat_set_times: missing('iIIi'),
  fd_pread: done('iiiIi'),
  fd_prestat_get: done('ii'),
  fd_prestat_dir_name: done('iii'),
  fd_pwrite: done('iiiIi'),
  fd_read: done('iiii'),
  fd_readdir: done('iiiIi'),
  fd_renumber: done('ii'),
  fd_seek: done('iIii'),
  fd_sync: done('i'),
  fd_tell: done('ii'),
  fd_write: done('iiii'),
  path_create_directory: done('iii'),
  path_filestat_get: done('iiiii'),
  path_filestat_set_times: missing('iiiiIIi'),
  path_link: missing('iiiiiii'),
  path_open: done('iiiiiIIii'),
  path_readlink: missing('iiiiii'),
  path_remove_directory: done('iii'),
  path_rename: done('iiiiii'),
  path_symlink: missing('iiiii'),
  path_unlink_file: done('iii'),
  poll_oneoff: done('iiii'),
  proc_exit: done('i'),
  proc_raise: missing('i'),
  sched_yield: done(''),
  random_get: done('ii'),
  sock_accept: missing('iii'),
  sock_recv: missing('iiiiii'),
  sock_send: missing('iiiii'),
  sock_shutdown: missing('ii'),
};
