/** A blob of a repository: bytes that their digest names. */

export interface RemoteBlob {
  /** sha256: and hex. */
  readonly digest: string;
  readonly size: number;
}

/** For messages. */
export function blobText({ digest }: RemoteBlob): string {
  return `blob ${digest.slice(0, 'sha256:'.length + 12)}…`;
}
