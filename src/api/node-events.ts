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
  | { readonly event: 'given-away'; readonly job: string; readonly to: string | null; readonly snapshot: string }
  | { readonly event: 'not-given-away'; readonly job: string; readonly why: string };
