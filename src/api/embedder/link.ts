/**
 * A child of this process and the functions that it calls here: the descriptor that it gets for them, until its end.
 */

import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import type { EmbedderImport } from '../../image/tables/identity.js';
import { EmbedderConnection } from './connection.js';
import type { Imports } from './import-object.js';
import { refuseWithoutEmbedder } from './needed.js';

export class EmbedderLink {
  /** Descriptors that the process gets after its others. */
  readonly descriptors: readonly 'pipe'[];
  /** By which the image is told. */
  readonly env: Readonly<Record<string, string>>;
  private connection: EmbedderConnection | undefined;

  /**
   * @param hostImports what the image imports from its embedder
   * @param name of the program, for messages
   * @param descriptor the process's next free one
   * @throws InputError 'imports'
   */
  constructor(
    hostImports: readonly EmbedderImport[],
    private readonly imports: Imports | undefined,
    name: string,
    private readonly descriptor: number,
    private readonly callTimeout?: number,
  ) {
    if (imports === undefined) refuseWithoutEmbedder(hostImports, name);
    const isNeeded = hostImports.length > 0;
    this.descriptors = isNeeded ? ['pipe'] : [];
    this.env = isNeeded ? { WAGSNAP_EMBEDDER: String(descriptor) } : {};
  }

  start(child: ChildProcess): void {
    if (this.descriptors.length === 0) return;
    this.connection = new EmbedderConnection(child.stdio[this.descriptor] as Duplex, this.imports!, this.callTimeout);
  }

  /** Resolves once it has what it needs. @throws InputError 'imports' when it lacks something: it ends then */
  async greeted(): Promise<void> {
    await this.connection?.greeted;
  }

  /** A capture is about to end the process: what it waits for then is kept. @returns undoes that */
  expectLeave(): () => void {
    return this.connection?.expectLeave() ?? (() => {});
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.connection?.failure;
  }
}
