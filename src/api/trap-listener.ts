/**
 * Hears when a child of this process traps: it parks at its trap, tells by a byte through a descriptor, and ends once
 * that is closed (runtime/process/trapped.ts). Meanwhile it can be captured.
 */

import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

export class TrapListener {
  /** Descriptors that the process gets after its others. */
  readonly descriptors = ['pipe'] as const;
  /** By which the image is told. */
  readonly env: Readonly<Record<string, string>>;
  private listening: Promise<void> = Promise.resolve();

  /**
   * @param descriptor the process's next free one
   * @param onTrap called once it waits at its trap; it ends when this is done
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
    this.listening.catch(() => {}); // finished() tells
  }

  /** Resolves when it has ended, and all that follows from a trap is done. @throws what `onTrap` does */
  async finished(): Promise<void> {
    await this.listening;
  }
}
