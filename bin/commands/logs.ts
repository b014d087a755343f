/** `wag-snap logs`: what a job of the lattice has printed, on whichever nodes. */

import type { CommandModule } from 'yargs';
import type { LogPiece } from '../../src/api/lattice.js';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { Interruption } from '../programs/interruption.js';
import { withLattice } from '../programs/lattice.js';
import { PieceText } from '../show/piece-text.js';
import { printWarning } from '../show/warning.js';

interface Options extends LatticeOptions {
  job: string;
  follow: boolean;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'logs <job>',
  describe: 'Print what a job of the lattice has printed',
  builder: (yargs) =>
    yargs
      .positional('job', { type: 'string', describe: 'the name of the job' })
      .option('follow', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'continue until the job is over',
      })
      .options(latticeOptions)
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'print a JSON object for each piece: node, fence, number, stream, text (base64, if it is none)',
      })
      .example([
        ['$0 logs -f counter', 'its standard output here on standard output, its errors on standard error'],
        ['$0 logs counter --json', 'says of each piece which node has printed it'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      const interruption = new Interruption('');
      try {
        const { follow } = options;
        let isFirst = true;
        const pieces = new PiecePrinter();
        for await (const piece of lattice.logs(options.job, { follow, signal: interruption.abortSignal })) {
          const { node, fence, number, stream, data } = piece;
          if (isFirst && number > 1)
            printWarning(`the beginning is not kept any more: ${number - 1} pieces of run ${fence}`);
          isFirst = false;
          if (options.json) {
            pieces.print({ node, fence, number, stream }, data);
          } else {
            process[stream].write(data);
          }
        }
        pieces.end();
      } finally {
        interruption.stop();
      }
    }),
};
export default command;

type About = Omit<LogPiece, 'data'>;

/** Prints pieces as JSON. What one holder of the job has printed is not continued by the next one. */
class PiecePrinter {
  private readonly streams = new Map<string, { about: About; text: PieceText }>();

  print(about: About, data: Uint8Array): void {
    const { stream, fence } = about;
    const before = this.streams.get(stream);
    if (before !== undefined && before.about.fence !== fence) this.finish(before);
    const text = before?.about.fence === fence ? before.text : new PieceText();
    this.streams.set(stream, { about, text });
    console.log(terminalJson({ ...about, ...text.show(data) }));
  }

  end(): void {
    for (const one of this.streams.values()) this.finish(one);
  }

  private finish({ about, text }: { about: About; text: PieceText }): void {
    const rest = text.end();
    if (rest !== undefined) console.log(terminalJson({ ...about, ...rest }));
  }
}
