/**
 * The link between a child process and the embedder's functions in this process: the child's descriptor for it, until
 * the child ends.
 */

import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { EXIT_CAPTURED } from '../../image/contract/runtime-block.js';
import type { EmbedderImport } from '../../image/tables/identity.js';
import { EmbedderConnection } from './connection.js';
import type { Imports } from './import-object.js';
import { refuseWithoutEmbedder } from './needed.js';

export class EmbedderLink {
  /** Descriptors that the process inherits after its others. */
  readonly descriptors: readonly 'pipe'[];
  /** The environment variables that tell the image the descriptor. */
  readonly env: Readonly<Record<string, string>>;
  private connection: EmbedderConnection | undefined;

  /**
   * @param hostImports what the image imports from its embedder
   * @param name the program's name, for messages
   * @param descriptor the first free descriptor number of the process
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
    const socket = child.stdio[this.descriptor] as Duplex;
    const hasLeft = new Promise<boolean>((done) => child.once('exit', (code) => done(code === EXIT_CAPTURED)));
    this.connection = new EmbedderConnection(socket, this.imports!, this.callTimeout, hasLeft);
  }

  /**
   * Resolves once the process has what it needs. @throws InputError 'imports' when something is missing; the process
   * then ends
   */
  async greeted(): Promise<void> {
    await this.connection?.greeted;
  }

  /** Called before a capture that ends the process: its current call is then kept. @returns undoes this */
  expectLeave(): () => void {
    return this.connection?.expectLeave() ?? (() => {});
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.connection?.failure;
  }
}
