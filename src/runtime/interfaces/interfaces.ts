/**
 * The interfaces of WASI 0.2 on top of preview 1, as lowered functions: entry file of their build. They are merged with
 * a component's core instances (src/wasm/component/native.ts). They serve every version 0.2.x that a component asks
 * for, as these versions only add.
 *
 * AssemblyScript. A name is that of the interface and of the function: `io_streams_output_stream_write` is
 * `[method]output-stream.write` of wasi:io/streams.
 */

export * from './cli';
export * from './clocks';
export { filesystem_types_filesystem_error_code } from './errors';
export {
  filesystem_preopens_get_directories,
  filesystem_types_descriptor_advise,
  filesystem_types_descriptor_append_via_stream,
  filesystem_types_descriptor_get_flags,
  filesystem_types_descriptor_get_type,
  filesystem_types_descriptor_is_same_object,
  filesystem_types_descriptor_metadata_hash,
  filesystem_types_descriptor_read,
  filesystem_types_descriptor_read_directory,
  filesystem_types_descriptor_read_via_stream,
  filesystem_types_descriptor_set_size,
  filesystem_types_descriptor_set_times,
  filesystem_types_descriptor_stat,
  filesystem_types_descriptor_sync,
  filesystem_types_descriptor_sync_data,
  filesystem_types_descriptor_write,
  filesystem_types_descriptor_write_via_stream,
  filesystem_types_directory_entry_stream_read_directory_entry,
} from './filesystem';
export {
  resource_drop_descriptor,
  resource_drop_directory_entry_stream,
  resource_drop_error,
  resource_drop_input_stream,
  resource_drop_network,
  resource_drop_other,
  resource_drop_output_stream,
  resource_drop_pollable,
  resource_drop_terminal_input,
  resource_drop_terminal_output,
} from './handles';
export * from './paths';
export { io_poll_poll, io_poll_pollable_block, io_poll_pollable_ready } from './poll';
export * from './sockets';
export * from './streams';
