/** What a user has to log in to a registry. */

/** A login: a user and a password, or a token that is exchanged for others. */
export type Credential =
  | { readonly user: string; readonly password: string }
  /** OAuth2 refresh token. */
  | { readonly identityToken: string }
  /** Sent as it is. */
  | { readonly registryToken: string };
