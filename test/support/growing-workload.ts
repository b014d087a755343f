/**
 * Runs growing images in tests, in the place of `wag-snap run`: compiles what the process asks for, and nothing else. So
 * a test knows which functions are there.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { launch } from '../../src/api/launch.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { targets } from '../../src/arch/targets.js';
import { writeAt } from '../../src/base/output.js';
import { GrowingImage } from '../../src/compile/link/growing-image.js';
import { REQUEST_ALL, REQUEST_TABLES } from '../../src/image/contract/growing-text.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { readModuleBytes } from '../../src/wasm/wat.js';
import { Output } from './waiting.js';

export interface GrowingOptions {
  readonly arch: ArchName;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class GrowingWorkload {
  readonly output: Output;
  /** What it has asked for: indexes of defined functions, REQUEST_ALL, REQUEST_TABLES. */
  readonly requests: number[] = [];
  private hasPageSize = false;
  private readonly channel: Socket;
  /** What went wrong here. */
  failure: unknown;

  private constructor(
    readonly child: ChildProcess,
    readonly image: GrowingImage,
    /** The image's file. */
    readonly path: string,
  ) {
    this.output = new Output(child);
    this.channel = child.stdio[4] as Socket;
    this.channel.on('error', () => {});
    this.channel.on('data', (bytes: Buffer) => {
      try {
        for (let at = 0; at < bytes.length; at += 4) this.take(bytes.readUInt32LE(at));
      } catch (error) {
        this.failure = error;
        this.child.kill('SIGKILL');
      }
    });
  }

  /** @param folder where its files go */
  static async start(
    wat: string,
    folder: string,
    { arch, args = [], env = {} }: GrowingOptions,
  ): Promise<GrowingWorkload> {
    const module = decodeModule(await readModuleBytes(Buffer.from(wat), 'test module'), 'test module');
    const path = join(folder, `growing-${arch}`);
    const file = openSync(path, 'w', 0o700);
    const image = new GrowingImage({ module, file: 'test module' }, { target: targets[arch] }, 3, (bytes, at) =>
      writeAt(file, bytes, at),
    );
    image.begin();
    writeFileSync(`${path}-starter`, image.starter(), { mode: 0o700 });
    const started = launch(`${path}-starter`, 'program');
    const inherited = openSync(path, 'r');
    const child = spawn(started.program, [...started.args, ...args], {
      argv0: started.argv0,
      env,
      stdio: ['pipe', 'pipe', 'pipe', inherited, 'pipe'],
    });
    closeSync(inherited);
    return new GrowingWorkload(child, image, path);
  }

  /** As when the tool dies. */
  abandon(): void {
    this.channel.destroy();
  }

  private take(word: number): void {
    if (!this.hasPageSize) {
      this.hasPageSize = true;
      this.image.setPageSize(word);
      return;
    }
    this.requests.push(word);
    if (word === REQUEST_ALL) {
      while (this.image.addNext());
      this.image.complete();
      return;
    }
    if (word === REQUEST_TABLES) this.image.complete();
    else this.image.add(word);
    this.channel.write(Uint8Array.of(1));
  }
}
