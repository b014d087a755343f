/** A connection that is made before it is needed: the receiver that it starts loads while this side still looks. */

import type { Link, Transport } from './transport.js';

export class EarlyLink implements Transport {
  readonly name: string;
  private readonly link: Promise<Link>;
  private isTaken = false;

  /** Connects. A failure is said by connect(). */
  constructor(to: Transport) {
    this.name = to.name;
    this.link = to.connect();
    this.link.catch(() => {});
  }

  /** To be called once. */
  connect(): Promise<Link> {
    this.isTaken = true;
    return this.link;
  }

  /** Ends it, unless somebody has it: the other side hears that nothing comes. */
  async close(why: string): Promise<void> {
    if (this.isTaken) return;
    const link = await this.link.catch(() => undefined);
    if (link === undefined) return;
    const { streamChannel } = await import('./channel.js');
    await streamChannel(link.input, link.output)
      .send({ name: 'cancel', reason: why })
      .catch(() => {});
    link.close();
  }
}
