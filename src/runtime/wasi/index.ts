/**
 * WASI preview 1 as the host layer exports it: functions.ts lists the names, all of them are here.
 *
 * AssemblyScript. wasi_start and wasi_resume are for ../process/start; nothing else of this folder is for others.
 */

export { args_get, args_sizes_get, environ_get, environ_sizes_get } from './args';
export { clock_res_get, clock_time_get } from './clocks';
export {
  fd_close,
  fd_fdstat_get,
  fd_fdstat_set_flags,
  fd_fdstat_set_rights,
  fd_filestat_get,
  fd_prestat_dir_name,
  fd_prestat_get,
  fd_renumber,
} from './descriptor-calls';
export {
  fd_advise,
  fd_allocate,
  fd_datasync,
  fd_filestat_set_size,
  fd_pread,
  fd_pwrite,
  fd_read,
  fd_seek,
  fd_sync,
  fd_tell,
  fd_write,
} from './files';
export { path_link, path_readlink, path_symlink } from './links';
export {
  path_create_directory,
  path_filestat_get,
  path_open,
  path_remove_directory,
  path_rename,
  path_unlink_file,
} from './path-calls';
export { poll_oneoff } from './poll';
export { proc_exit, proc_raise, random_get, sched_yield } from './process';
export { fd_readdir } from './readdir';
export { wasi_resume } from './resume';
export { sock_accept, sock_recv, sock_send, sock_shutdown } from './sockets';
export { wasi_start } from './start';
export { fd_filestat_set_times, path_filestat_set_times } from './times';
