/** The guard of a node (lattice/guard-process.ts), as the node has it: a child in a session of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ToolError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';

function guardPath(): string {
  const beside = fileURLToPath(new URL('./guard-process.js', import.meta.url));
  return existsSync(beside) ? beside : `${ownPackage().folder}/dist/bundle/guard-process.js`;
}

export class NodeGuard {
  private readonly child: ChildProcess;
  /** Programs that it was told of, and has not answered for. */
  private readonly waiting = new Map<number, () => void>();
  private isClosed = false;
  private hasEnded = false;

  /** @param onLost without it no program may run */
  constructor(onLost: () => void) {
    this.child = spawn(process.execPath, [guardPath()], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    this.child.on('error', () => {});
    this.child.stdin!.on('error', () => {});
    this.child.once('exit', () => {
      this.hasEnded = true;
      for (const resolve of this.waiting.values()) resolve();
      this.waiting.clear();
      if (!this.isClosed) onLost();
    });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.waiting.get(Number(line))?.();
      this.waiting.delete(Number(line));
    });
  }

  lease(incarnation: number, until: number): void {
    this.say({ lease: [incarnation, until] });
  }

  /** Resolves when it watches over a program, which may run from then on. @throws ToolError when there is no guard */
  async add(pid: number, incarnation: number): Promise<void> {
    const known = new Promise<void>((resolve) => this.waiting.set(pid, resolve));
    this.say({ program: pid, incarnation });
    if (this.hasEnded) throw lost();
    await known;
    if (this.hasEnded) throw lost();
  }

  gone(pid: number): void {
    this.say({ gone: pid });
  }

  /** Ends it, and every program that it still watches over. */
  close(): void {
    this.isClosed = true;
    this.child.stdin!.end();
  }

  private say(message: object): void {
    this.child.stdin!.write(`${JSON.stringify(message)}\n`);
  }
}

function lost(): ToolError {
  return new ToolError('guard', 'the guard of this node has ended');
}
