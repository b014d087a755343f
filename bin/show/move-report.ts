/**
 * What `migrate` says on the way: lines with -v, a line that overwrites itself on a terminal, objects with --json.
 *
 *     sending round 2 (82 MiB: 310 ms of downtime): 12 of 82 MiB (14 %), 45 MiB/s, 2 s left
 */

import type { Moved, MoveEvent } from '../../src/api/migrate.js';
import { BugError, WagSnapError } from '../../src/base/errors.js';
import { terminalJson, terminalText } from '../../src/base/terminal-text.js';
import { Progress } from './progress.js';
import { printWarning } from './warning.js';

/** Milliseconds between two objects that say how much was sent. */
const SENT_EVERY = 1000;
const MEBI = 2 ** 20;

export class MoveReport {
  private what = 'sending';
  private progress = new Progress(this.what);
  /** Of what is sent now: another one begins with less. */
  private bytes = 0;
  private round = 1;
  private sentAt = Number.NEGATIVE_INFINITY;
  private isOver = false;
  /** The pid of a program that runs there, and needs memory that is still here. */
  private owed: number | undefined;

  constructor(private readonly options: Readonly<Record<'json' | 'verbose' | 'attach', boolean>>) {}

  readonly onEvent = (event: MoveEvent): void => {
    const { json, verbose } = this.options;
    if (event.event === 'sent') this.sent(event);
    else if (event.event === 'lazy') this.follows(event);
    else if (json) this.print(terminalJson(event));
    else if (verbose) {
      this.progress.end();
      process.stderr.write(`${describe(event)}\n`);
    }
    if (event.event === 'ready' && !json) for (const warning of event.warnings) printWarning(warning);
    if (event.event === 'ready') this.begin('sending round 1');
    if (event.event === 'round') {
      this.round = event.round + 1;
      this.begin(`sending round ${this.round}`);
    }
    if (event.event === 'left') {
      this.begin(`sending round ${this.round} (${mebibytes(event.bytes)} MiB: ${event.downtime} ms of downtime)`);
    }
    if (event.event === 'stopped') this.begin('it stands still: sending the rest');
    if (event.event === 'running') {
      this.owed = event.pid;
      this.begin('it runs there: sending its memory');
    }
    if (event.event === 'complete') this.owed = undefined;
  };

  /** A signal asks to end, which a lazy move does not do once the program runs there. */
  readonly isAsked = (signal: string): void => {
    if (this.owed === undefined) return;
    this.progress.end();
    printWarning(
      `${signal}: pid ${this.owed} there needs memory that is still here: this ends when all of it is there`,
    );
  };

  /** It has been moved, or looked at. */
  moved(moved: Moved): void {
    this.end();
    this.isOver = true;
    const { streams: _, ...facts } = moved;
    const { host, pid, output, bytes, wire, downtime } = facts;
    const { json } = this.options;
    if (pid === undefined)
      this.print(json ? terminalJson({ event: 'possible', host }) : terminalText(`${host} can take it`));
    else if (json) this.print(terminalJson({ event: 'moved', ...facts }));
    else {
      const attached = this.options.attach ? '; its streams stay here, until Ctrl-C detaches it' : '';
      this.print(terminalText(`pid ${pid} on ${host}, which prints to ${output}${attached}`));
      if (!this.options.verbose) return;
      const packed = wire === bytes ? '' : `, as ${wire}`;
      process.stderr.write(`stood still for ${(downtime / 1000).toFixed(1)} ms, ${bytes} bytes were sent${packed}\n`);
    }
  }

  /** It has failed: whoever reads the objects is told so, too, unless it was moved before. */
  failed(error: unknown): void {
    this.end();
    if (!this.options.json || this.isOver) return;
    const known = error instanceof WagSnapError ? error : new BugError(String((error as Error)?.message ?? error));
    const { code, exitCode, headline, details } = known;
    this.print(terminalJson({ event: 'failed', code, exitCode, headline, details }));
  }

  /** Standard output is the program's own when it is attached. */
  private print(line: string): void {
    if (this.options.attach) process.stderr.write(`${line}\n`);
    else console.log(line);
  }

  end(): void {
    this.progress.end();
  }

  private sent(event: Extract<MoveEvent, { event: 'sent' }>): void {
    if (event.bytes < this.bytes) this.begin(this.what);
    this.bytes = event.bytes;
    this.progress.update(event.bytes, event.of);
    if (!this.options.json || performance.now() - this.sentAt < SENT_EVERY) return;
    this.sentAt = performance.now();
    this.print(terminalJson(event));
  }

  /** What of a lazy move is still to be sent. */
  private follows(event: Extract<MoveEvent, { event: 'lazy' }>): void {
    this.progress.update(event.of - event.bytes, event.of);
    const isSoon = performance.now() - this.sentAt < SENT_EVERY && event.bytes > 0 && event.bytes < event.of;
    if (!this.options.json || isSoon) return;
    this.sentAt = performance.now();
    this.print(terminalJson(event));
  }

  private begin(what: string): void {
    this.progress.end();
    this.what = what;
    this.bytes = 0;
    this.progress = new Progress(what);
  }
}

function describe(event: Exclude<MoveEvent, { event: 'sent' | 'lazy' }>): string {
  switch (event.event) {
    case 'connected':
      return terminalText(`wag-snap ${event.version} answers; ${event.codec ?? 'nothing'} compresses what is sent`);
    case 'ready':
      return terminalText(`${event.host} has all that it needs, and runs it as ${event.arch}`);
    case 'compiled':
      return event.cached ? 'the image is there' : 'the image was compiled there';
    case 'round': {
      const { round, bytes, wire, milliseconds } = event;
      const packed = wire === bytes ? '' : `, as ${wire},`;
      const rate = mebibytes((bytes * 1000) / Math.max(milliseconds, 1));
      return `round ${round}: ${bytes} bytes${packed} were sent while it runs, in ${milliseconds} ms (${rate} MiB/s)`;
    }
    case 'left':
      return `${event.bytes} bytes were written meanwhile: it would stand still for ${event.downtime} ms`;
    case 'stopped':
      return 'it stands still';
    case 'prepared':
      return `pid ${event.pid} is ready to begin`;
    case 'running':
      return terminalText(
        `pid ${event.pid} runs there, after ${(event.downtime / 1000).toFixed(1)} ms, and prints to ${event.output}: its memory follows`,
      );
    case 'complete':
      return 'all of its memory is there';
  }
}

function mebibytes(bytes: number): string {
  return (bytes / MEBI).toFixed(0);
}
