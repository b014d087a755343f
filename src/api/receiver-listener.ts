/** A host that takes workloads over the network, several at the same time, from hosts whose keys it knows. */

import { ToolError, UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { ProcessEnd } from '../transport/attached-streams.js';
import { streamChannel } from '../transport/channel.js';
import { readKeys } from '../transport/keys.js';
import { readPeers } from '../transport/peers.js';
import { receiveProgram } from '../transport/target.js';
import { type Arrival, addressText, listenTls, parseAddress } from '../transport/tls.js';
import { checkFolder } from './granted-folder.js';
import { type PeerGrants, parseListenGrant } from './peer-grants.js';
import { checkDirectory, limitVariables } from './process-options.js';
import type { ReceiveEvent, ReceiveOptions } from './receive-options.js';
import { Receiver } from './receiver.js';
import { WorkloadSlots } from './workload-slots.js';

export interface ListenOptions extends Omit<ReceiveOptions, 'onEvent' | 'signal'> {
  /** The folder with this host's keys and its list of peers; default: `$XDG_CONFIG_HOME/wag-snap`. */
  readonly keys?: string | undefined;
  /** Fingerprints of the hosts that may send; default: those of the folder's list. */
  readonly peers?: readonly string[] | undefined;
  /** The most programs at the same time, those on their way included. */
  readonly maxWorkloads?: number | undefined;
  /** Called with each event of the log. */
  readonly onEvent?: ((event: ListenerEvent) => void) | undefined;
}

/** All events of one connection, and of what it brings, have the same number. */
export type ListenerEvent =
  | ({ readonly connection: number } & ConnectionEvent)
  /** A host that may not send, or does not speak the protocol. */
  | {
      readonly event: 'refused';
      readonly from: string;
      readonly why: string;
      readonly fingerprint: string | undefined;
    };

export type ConnectionEvent =
  | { readonly event: 'connected'; readonly from: string; readonly fingerprint: string }
  | ReceiveEvent
  /** A program that has begun here has ended. */
  | ({ readonly event: 'ended'; readonly pid: number } & ProcessEnd);

export interface ReceivingHost {
  /** The address at which it listens, with the actual port. */
  readonly address: string;
  /** The fingerprint by which other hosts know this one. */
  readonly fingerprint: string;
  /**
   * Takes nothing new, and gives up what has not begun. Programs that run here continue; their memory is waited for.
   */
  close(): Promise<void>;
}

/** How long a peer may be silent before it is given up, in milliseconds. */
const SILENCE = 300_000;

/**
 * @param text `HOST:PORT`; port 0 means any free port
 * @throws UsageError, InputError, ToolError
 */
export async function listenForMoves(text: string, options: ListenOptions = {}): Promise<ReceivingHost> {
  const wanted = parseAddress(text);
  if (wanted === undefined) throw new UsageError(`--listen ${quoted(text)}: expected HOST:PORT or [IPv6]:PORT`);
  const keys = readKeys(options.keys);
  const peers = readPeers(keys.folder, options.peers);
  if (peers.count === 0) {
    throw new ToolError(
      'no-peers',
      `${peers.where}: no host may send anything here: name those that may, in it or by --peer`,
    );
  }
  const { onEvent = () => {}, maxWorkloads = Infinity, maxMemory, outputDir } = options;
  if (!(maxWorkloads >= 1)) throw new UsageError(`--max-workloads ${maxWorkloads}: expected a number from 1 on`);
  limitVariables({ maxMemory });
  const receiving = { maxMemory, outputDir, grants: await checkGrants(options.grants) };
  const slots = new WorkloadSlots(maxWorkloads);
  const receptions = new Set<Promise<void>>();
  /** Connections that bring memory to programs that run. */
  const needed = new Set<string>();
  let count = 0;
  const receive = async ({ link, socket, address, fingerprint }: Arrival, connection: number) => {
    const tell = (event: ConnectionEvent) => {
      if (event.event === 'running') socket.setTimeout(0); // who is attached may have nothing to say
      if (event.event === 'arriving') needed.add(address);
      onEvent({ connection, ...event });
    };
    tell({ event: 'connected', from: address, fingerprint });
    socket.setTimeout(SILENCE, () => socket.destroy());
    const receiver = new Receiver(receiving, slots, (pid, ending) => tell({ event: 'ended', pid, ...ending }));
    try {
      await receiveProgram(streamChannel(link.input, link.output), receiver, tell);
    } catch (error) {
      tell({ event: 'failed', why: String(error) });
    } finally {
      needed.delete(address);
      link.close();
    }
  };
  const listener = await listenTls(
    wanted,
    { keys, peers },
    {
      arrived(arrival) {
        const reception = receive(arrival, ++count).finally(() => receptions.delete(reception));
        receptions.add(reception);
      },
      refused: (from, why, fingerprint) => onEvent({ event: 'refused', from, why, fingerprint }),
    },
  );
  return {
    address: addressText(listener.address),
    fingerprint: keys.fingerprint,
    async close() {
      await listener.close(needed);
      await Promise.all(receptions);
    },
  };
}

async function checkGrants({ dirs = [], listen = [] }: Partial<PeerGrants> = {}): Promise<PeerGrants> {
  for (const { host, name } of dirs) {
    checkFolder(`${host}::${name}`, checkDirectory({ host, guest: name, readOnly: false }).host);
  }
  return { dirs, listen: await Promise.all(listen.map(parseListenGrant)) };
}
