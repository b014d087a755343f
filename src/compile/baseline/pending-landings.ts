/** The landings of a function's try_tables that are not emitted yet: exceptions.ts says what the words are. */

import { Column } from '../../image/tables/site-tables.js';

export class PendingLandings {
  readonly words = new Column();

  reset(): void {
    this.words.length = 0;
  }
}
