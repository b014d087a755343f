/** The type of a figure of the bench. Each figure is measured in a file of its own. */

export interface Outcome {
  /** As it is printed, with its unit. */
  readonly value: string;
  /** Undefined: only printed, there is no bar. */
  readonly pass: boolean | undefined;
  /** Further lines, printed below the table. */
  readonly details?: readonly string[];
}

export interface Figure {
  /** For `npm run bench -- NAME`. */
  readonly name: string;
  readonly title: string;
  readonly bar: string;
  readonly measure: () => Promise<Outcome> | Outcome;
}

export const ratio = (value: number): string => `${value.toFixed(2)} x`;
export const milliseconds = (seconds: number): string => `${(seconds * 1000).toFixed(1)} ms`;
