/**
 * Prints the log of `receive --listen`: one line for each event on standard error, or one JSON object on each line of
 * standard output.
 *
 *     2026-01-31T12:00:00.000Z 3 127.0.0.1:40212 running pid 4711, which prints to /var/log/job-4711.out
 */

import type { ListenerEvent } from '../../src/api/receiver-listener.js';
import { terminalJson, terminalText } from '../../src/base/terminal-text.js';

export type LogEvent =
  | ListenerEvent
  | { readonly event: 'listening'; readonly address: string; readonly fingerprint: string }
  | { readonly event: 'closed'; readonly by: string };

export class ReceiverLog {
  constructor(
    private readonly isJson: boolean,
    private readonly now: () => Date = () => new Date(),
  ) {}

  print(event: LogEvent): void {
    const time = this.now().toISOString();
    if (this.isJson) console.log(terminalJson({ time, ...event }));
    else process.stderr.write(`${terminalText(`${time} ${logText(event)}`)}\n`);
  }
}

export function logText(event: LogEvent): string {
  const what = describe(event);
  return 'connection' in event ? `connection ${event.connection}: ${what}` : what;
}

function describe(event: LogEvent): string {
  switch (event.event) {
    case 'listening':
      return `listening at ${event.address}; this host is ${event.fingerprint}`;
    case 'closed':
      return `ended by ${event.by}; programs run on`;
    case 'refused':
      return `refused ${event.from}${event.fingerprint ? `, ${event.fingerprint}` : ''}: ${event.why}`;
    case 'connected':
      return `from ${event.from}, ${event.fingerprint}`;
    case 'ready':
      return `${event.workload ?? 'a program without a name'} may come, for ${event.arch}`;
    case 'compiled':
      return event.cached ? 'its image is there' : 'its image was compiled';
    case 'prepared':
      return `pid ${event.pid} is ready to begin`;
    case 'running':
      return `pid ${event.pid} runs, and prints to ${event.output}`;
    case 'arriving':
      return `pid ${event.pid} runs without ${event.bytes} bytes of its memory, which follow`;
    case 'whole':
      return `pid ${event.pid} has all of its memory`;
    case 'pages-lost':
      return `pid ${event.pid} runs without ${event.bytes} bytes of its memory: ${event.why}`;
    case 'failed':
      return `nothing runs: ${event.why}`;
    case 'ended':
      return `pid ${event.pid} has ended: ${event.signal ?? `exit code ${event.code}`}`;
  }
}
