/**
 * Answers a child process that asks for snapshots of itself (runtime/wasi/snapshot.ts), one at a time.
 *
 * The child waits for the answer, and can be captured meanwhile like at any other time.
 */

import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { ERRNO_IO, SNAPSHOT_ANSWER_SIZE } from '../image/contract/snapshot-request.js';

export class SnapshotListener {
  /** Descriptors that the process inherits after its others. */
  readonly descriptors: readonly 'pipe'[] = ['pipe'];
  /** The environment variable that tells the image the descriptor. */
  readonly env: Readonly<Record<string, string>>;

  /**
   * @param descriptor the first free descriptor number of the process
   * @param onRequest takes a snapshot; if it fails, the program is told that there is none
   */
  constructor(
    private readonly descriptor: number,
    private readonly onRequest: (pid: number) => Promise<unknown>,
  ) {
    this.env = { WAGSNAP_SNAPSHOTS: String(descriptor) };
  }

  start(child: ChildProcess): void {
    const socket = child.stdio[this.descriptor];
    if (!(socket instanceof Socket)) return;
    socket.on('error', () => {}); // the child has ended
    socket.on('data', () => {
      this.onRequest(child.pid!).then(
        () => reply(socket, 0),
        () => reply(socket, ERRNO_IO),
      );
    });
  }
}

function reply(socket: Socket, errno: number): void {
  const answer = Buffer.alloc(SNAPSHOT_ANSWER_SIZE);
  answer.writeInt32LE(errno);
  if (socket.writable) socket.write(answer);
}
