/**
 * Notices when a child process traps. The child parks at its trap, sends a byte on a descriptor, and ends once the
 * descriptor is closed (runtime/process/trapped.ts). Meanwhile it can be captured.
 */

import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

export class TrapListener {
  /** Descriptors that the process inherits after its others. */
  readonly descriptors = ['pipe'] as const;
  /** The environment variable that tells the image the descriptor. */
  readonly env: Readonly<Record<string, string>>;
  private listening: Promise<void> = Promise.resolve();

  /**
   * @param descriptor the first free descriptor number of the process
   * @param onTrap called while the child waits at its trap; the child ends when it settles
   */
  constructor(
    private readonly descriptor: number,
    private readonly onTrap: (pid: number) => Promise<void>,
  ) {
    this.env = { WAGSNAP_ON_TRAP: 'park', WAGSNAP_TRAP_FD: String(descriptor) };
  }

  start(child: ChildProcess): void {
    const socket = child.stdio[this.descriptor];
    if (!(socket instanceof Socket)) return;
    this.listening = new Promise((done, fail) => {
      let work: Promise<void> | undefined;
      const ended = () => {
        if (work === undefined) done();
      };
      socket.on('error', ended);
      socket.on('close', ended);
      socket.once('data', () => {
        work = this.onTrap(child.pid!);
        work.finally(() => socket.destroy()).then(done, fail);
      });
    });
    this.listening.catch(() => {}); // a failure is reported by finished()
  }

  /** Resolves when the child has ended and `onTrap` is done. @throws whatever `onTrap` throws */
  async finished(): Promise<void> {
    await this.listening;
  }
}
