/** What happens on a node, for its log. */

export type ProgramEvent =
  | {
      readonly event: 'running';
      readonly job: string;
      readonly fence: number;
      readonly pid: number;
      readonly from: string | null;
      readonly milliseconds: number;
    }
  | {
      readonly event: 'captured';
      readonly job: string;
      readonly fence: number;
      readonly snapshot: string;
      readonly milliseconds: number;
    }
  | { readonly event: 'not-captured'; readonly job: string; readonly why: string }
  | { readonly event: 'not-started'; readonly job: string; readonly fence: number; readonly why: string }
  | { readonly event: 'ended'; readonly job: string; readonly fence: number; readonly how: string };

export type MoveEventOfNode =
  /** It has stood still for so many milliseconds: while it ran here until it ran there, or by way of a snapshot. */
  | {
      readonly event: 'given-away';
      readonly job: string;
      readonly to: string | null;
      readonly snapshot: string | null;
      readonly milliseconds: number;
    }
  /** A program could not be sent while it runs: it goes by way of a snapshot. */
  | { readonly event: 'not-sent'; readonly job: string; readonly to: string; readonly why: string }
  | { readonly event: 'refused'; readonly from: string; readonly why: string }
  | { readonly event: 'not-arrived'; readonly why: string }
  | { readonly event: 'not-given-away'; readonly job: string; readonly why: string };
