/**
 * The host layer: what every image carries besides its guests. Entry file of its build (scripts/build-host.mjs).
 *
 * AssemblyScript, instance 0 of an image. What generated code and stubs call is exported here under the name they ask
 * for: process life from process/, WASI preview 1 from wasi/.
 */

export { boot } from './process/boot';
export {
  memory_copy,
  memory_fill,
  memory_grow,
  memory_init,
  table_copy,
  table_fill,
  table_grow,
  table_init,
} from './process/builtins';
export { call_embedder, embedder_trap } from './embedder/calls';
export { on_signal } from './process/signals';
export { start } from './start';
export { raise } from './process/traps';
export { atomic_wait32, atomic_wait64 } from './wasi/atomic-wait';
export { throw_ref, throw_tag } from './process/unwind';
export { clone } from './wasi/clone';
export { generation } from './wasi/generation';
export { proc_exit_for_component } from './wasi/process';
export { snapshot } from './wasi/snapshot';
export {
  args_get,
  args_sizes_get,
  clock_res_get,
  clock_time_get,
  environ_get,
  environ_sizes_get,
  fd_advise,
  fd_allocate,
  fd_close,
  fd_datasync,
  fd_fdstat_get,
  fd_fdstat_set_flags,
  fd_fdstat_set_rights,
  fd_filestat_get,
  fd_filestat_set_size,
  fd_filestat_set_times,
  fd_pread,
  fd_prestat_dir_name,
  fd_prestat_get,
  fd_pwrite,
  fd_read,
  fd_readdir,
  fd_renumber,
  fd_seek,
  fd_sync,
  fd_tell,
  fd_write,
  path_create_directory,
  path_filestat_get,
  path_filestat_set_times,
  path_link,
  path_open,
  path_readlink,
  path_remove_directory,
  path_rename,
  path_symlink,
  path_unlink_file,
  poll_oneoff,
  proc_exit,
  proc_raise,
  random_get,
  sched_yield,
  sock_accept,
  sock_recv,
  sock_send,
  sock_shutdown,
} from './wasi/index';
