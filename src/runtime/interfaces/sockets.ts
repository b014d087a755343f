/**
 * wasi:sockets: preview 1 makes no sockets, so these say that they are not supported. All other functions need a
 * socket. AssemblyScript.
 */

import { Kind, open } from './handles';
import { giveError } from './results';

const NOT_SUPPORTED: u8 = 2;
const PAYLOAD: usize = 4;

export function sockets_instance_network_instance_network(): i32 {
  return open(Kind.Network, 0);
}

export function sockets_tcp_create_socket_create_tcp_socket(_family: i32, to: usize): void {
  giveError(to, PAYLOAD, NOT_SUPPORTED);
}

export function sockets_udp_create_socket_create_udp_socket(_family: i32, to: usize): void {
  giveError(to, PAYLOAD, NOT_SUPPORTED);
}

export function sockets_ip_name_lookup_resolve_addresses(_network: i32, _name: usize, _length: usize, to: usize): void {
  giveError(to, PAYLOAD, NOT_SUPPORTED);
}
