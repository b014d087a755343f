/**
 * The functions of WASI preview 1: each one's name and type. The host layer has them all.
 *
 * TypeScript, not part of the host layer; a test holds its exports against this table. Source: the witx of
 * wasi_snapshot_preview1, lowered to core types; i is i32, I is i64. All return an i32 errno but proc_exit.
 */

export const WASI_MODULE = 'wasi_snapshot_preview1';

export interface WasiFunction {
  /** Core parameter types: a letter each, i for i32 and I for i64. */
  readonly params: string;
}

const takes = (params: string): WasiFunction => ({ params });

export const WASI_FUNCTIONS: Readonly<Record<string, WasiFunction>> = {
  args_get: takes('ii'),
  args_sizes_get: takes('ii'),
  environ_get: takes('ii'),
  environ_sizes_get: takes('ii'),
  clock_res_get: takes('ii'),
  clock_time_get: takes('iIi'),
  fd_advise: takes('iIIi'),
  fd_allocate: takes('iII'),
  fd_close: takes('i'),
  fd_datasync: takes('i'),
  fd_fdstat_get: takes('ii'),
  fd_fdstat_set_flags: takes('ii'),
  fd_fdstat_set_rights: takes('iII'),
  fd_filestat_get: takes('ii'),
  fd_filestat_set_size: takes('iI'),
  fd_filestat_set_times: takes('iIIi'),
  fd_pread: takes('iiiIi'),
  fd_prestat_get: takes('ii'),
  fd_prestat_dir_name: takes('iii'),
  fd_pwrite: takes('iiiIi'),
  fd_read: takes('iiii'),
  fd_readdir: takes('iiiIi'),
  fd_renumber: takes('ii'),
  fd_seek: takes('iIii'),
  fd_sync: takes('i'),
  fd_tell: takes('ii'),
  fd_write: takes('iiii'),
  path_create_directory: takes('iii'),
  path_filestat_get: takes('iiiii'),
  path_filestat_set_times: takes('iiiiIIi'),
  path_link: takes('iiiiiii'),
  path_open: takes('iiiiiIIii'),
  path_readlink: takes('iiiiii'),
  path_remove_directory: takes('iii'),
  path_rename: takes('iiiiii'),
  path_symlink: takes('iiiii'),
  path_unlink_file: takes('iii'),
  poll_oneoff: takes('iiii'),
  proc_exit: takes('i'),
  proc_raise: takes('i'),
  sched_yield: takes(''),
  random_get: takes('ii'),
  sock_accept: takes('iii'),
  sock_recv: takes('iiiiii'),
  sock_send: takes('iiiii'),
  sock_shutdown: takes('ii'),
};
