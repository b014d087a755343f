/**
 * wasi:sockets: preview 1 makes no sockets, so these say that they are not supported. All other functions need a
 * socket. AssemblyScript.
 */

import { Kind, heldBy, open } from './handles';
import { checkText } from './text';
import { clearArea, giveArea, giveError } from './results';

const NOT_SUPPORTED: u8 = 2;
const PAYLOAD: usize = 4;
const IPV6: u32 = 1; // the last case of ip-address-family

export function sockets_instance_network_instance_network(): i32 {
  return open(Kind.Network, 0);
}

/** option<error-code>: no error of a stream is one of the network. */
export function sockets_network_network_error_code(error: i32, to: usize): void {
  heldBy(error, Kind.Error);
  clearArea(2);
  giveArea(to, 2, 1);
}

export function sockets_tcp_create_socket_create_tcp_socket(family: i32, to: usize): void {
  if (<u32>family > IPV6) unreachable();
  giveError(to, PAYLOAD, NOT_SUPPORTED);
}

export function sockets_udp_create_socket_create_udp_socket(family: i32, to: usize): void {
  if (<u32>family > IPV6) unreachable();
  giveError(to, PAYLOAD, NOT_SUPPORTED);
}

export function sockets_ip_name_lookup_resolve_addresses(network: i32, name: usize, length: usize, to: usize): void {
  heldBy(network, Kind.Network);
  checkText(name, length);
  giveError(to, PAYLOAD, NOT_SUPPORTED);
}
