/**
 * Programs that other nodes send to this one while they run. Each is held until the records say who has the job: then it
 * begins here, or is dropped. Nodes know each other by the keys in their records.
 */

import { InputError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { JobRecord } from '../lattice/records.js';
import type { Report } from '../lattice/runner.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import { checkSeal, checkSubject, type Trust } from '../snapshot/trust/policy.js';
import { streamChannel } from '../transport/channel.js';
import { LinkError } from '../transport/errors.js';
import { type HostKeys, temporaryKeys } from '../transport/keys.js';
import type { Hello } from '../transport/messages.js';
import { ChangingPeers } from '../transport/peers.js';
import { type HeldProgram, receiveProgram } from '../transport/target.js';
import { type Arrival, addressText, listenTls, type TlsAddress, type TlsListener } from '../transport/tls.js';
import type { Held } from './held-program.js';
import type { MoveEventOfNode } from './node-events.js';
import type { NodeGrants } from './node-grants.js';
import { OutputPipes } from './output-pipes.js';
import { Receiver } from './receiver.js';

/** A program that is complete here, and has not begun. */
export interface ArrivedProgram {
  readonly held: Held;
  readonly pipes: OutputPipes;
  /** It has begun, or never will. */
  decide(hasBegun: boolean): void;
}

export interface ArrivalsOptions {
  /** Where it listens. */
  readonly address: TlsAddress;
  /** What others find in this node's record, if it is not that. */
  readonly advertised: string | undefined;
  readonly grants: NodeGrants;
  /** Who must have signed snapshots. */
  readonly trust: Trust;
  readonly folder: string;
  /** How long a program is held whose source is gone, until the records say what becomes of it, in milliseconds. */
  readonly grace: number;
  /** The node that has a key; undefined: none that is alive. */
  readonly nodeOf: (key: string) => string | undefined;
  /** The record of a job, as far as it is known here. */
  readonly jobOf: (job: string) => JobRecord | undefined;
  readonly report: Report;
  readonly onEvent: (event: MoveEventOfNode) => void;
}

/** How long a node may be silent before what it sends is given up, in milliseconds. */
const SILENCE = 60_000;

export class NodeArrivals {
  private readonly arrived = new Map<string, ArrivedProgram>();
  private readonly receptions = new Set<Promise<unknown>>();
  private listener!: TlsListener;
  private isClosed = false;

  private constructor(
    readonly keys: HostKeys,
    private readonly options: ArrivalsOptions,
  ) {}

  /** @throws ToolError when it cannot listen */
  static async listen(options: ArrivalsOptions): Promise<NodeArrivals> {
    const arrivals = new NodeArrivals(await temporaryKeys(), options);
    const peers = new ChangingPeers((key) => options.nodeOf(key) !== undefined, 'the lattice');
    arrivals.listener = await listenTls(
      options.address,
      { keys: arrivals.keys, peers },
      {
        arrived: (arrival) => {
          const reception = arrivals.receive(arrival).finally(() => arrivals.receptions.delete(reception));
          arrivals.receptions.add(reception);
        },
        refused: (from, why) => options.onEvent({ event: 'refused', from, why }),
      },
    );
    return arrivals;
  }

  /** For this node's record. */
  get receiver(): { readonly address: string; readonly key: string } {
    const { address } = this.listener;
    const { advertised } = this.options;
    const host = advertised ?? address.host;
    return { address: addressText({ host, port: address.port }), key: this.keys.fingerprint };
  }

  /** The program that a move has brought, if it is here; it is the caller's then. */
  take(id: string): ArrivedProgram | undefined {
    const found = this.arrived.get(id);
    this.arrived.delete(id);
    return found;
  }

  /** Ends what has not begun. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const [id, program] of this.arrived) {
      this.arrived.delete(id);
      program.decide(false);
    }
    await this.listener.close();
    await Promise.all(this.receptions);
  }

  private async receive({ link, socket, fingerprint }: Arrival): Promise<void> {
    socket.setTimeout(SILENCE, () => socket.destroy());
    const receiver = new NodeReceiver(this.options, fingerprint, (held, pipes, { job, id }, gone) => {
      socket.setTimeout(0);
      return this.hold(held, pipes, job, id, gone);
    });
    try {
      await receiveProgram(streamChannel(link.input, link.output), receiver, (event) => {
        if (event.event === 'failed') this.options.onEvent({ event: 'not-arrived', why: event.why });
      });
    } finally {
      link.close();
    }
  }

  /** @returns whether it has begun */
  private async hold(held: Held, pipes: OutputPipes, job: string, id: string, gone: Promise<never>): Promise<boolean> {
    const { report, grace } = this.options;
    if (this.isClosed) return false;
    let timer: NodeJS.Timeout | undefined;
    let isDecided = false;
    const decided = new Promise<boolean>((resolve) => {
      this.arrived.set(id, { held, pipes, decide: resolve });
      gone.catch((error) => {
        if (isDecided) return; // the source ends the link after a move
        if (!(error instanceof LinkError)) return resolve(false);
        timer = setTimeout(resolve, grace, false); // the records may say that it is to begin here
      });
    });
    report({ kind: 'arrived', job, id });
    const hasBegun = await decided;
    isDecided = true;
    clearTimeout(timer);
    if (this.arrived.delete(id)) report({ kind: 'arrival-lost', job, id });
    return hasBegun;
  }
}

type Hold = (
  held: Held,
  pipes: OutputPipes,
  move: NonNullable<Hello['move']>,
  gone: Promise<never>,
) => Promise<boolean>;

/** Takes only what the node that has a job sends of it. */
class NodeReceiver extends Receiver {
  private pipes: OutputPipes | undefined;
  private move: Hello['move'];
  protected override readonly withParent = true;
  protected override readonly mayHaveClosed = true;

  constructor(
    private readonly node: ArrivalsOptions,
    private readonly key: string,
    private readonly hold: Hold,
  ) {
    const { dirs, listen } = node.grants;
    super({ grants: { dirs, listen: Object.values(listen) }, outputDir: node.folder });
  }

  override async look(hello: Hello, size: number, memory: number) {
    const { move } = hello;
    const sender = this.node.nodeOf(this.key);
    const job = move && this.node.jobOf(move.job);
    if (job === undefined || sender === undefined || job.holder?.node !== sender) {
      throw new InputError(
        'not-holder',
        `${sender ?? 'the other side'} does not have the job ${quoted(move?.job ?? '')}`,
      );
    }
    this.move = move;
    return super.look({ ...hello, listen: this.node.grants.addressesOf(job.spec) }, size, memory);
  }

  /** Nobody has signed a program that runs, so what demands a signature lets it come by a snapshot only. */
  protected override checkTrust({ snapshot }: StoredSnapshot): void {
    const { trust } = this.node;
    const job = this.move!.job;
    const seal = { signer: undefined, isEncrypted: true };
    const what = `the running program of the job ${quoted(job)}`;
    checkSeal(trust, seal, what);
    checkSubject(trust, seal, { stored: job, module: snapshot.modules.at(-1)?.sha256 }, what);
  }

  protected override async makeOutput(): Promise<OutputPipes> {
    this.pipes = await OutputPipes.make(this.node.folder);
    return this.pipes;
  }

  async decided(held: HeldProgram, gone: Promise<never>): Promise<boolean> {
    return this.hold(held as Held, this.pipes!, this.move!, gone);
  }
}
