/** An access key pair, and the token that goes with it when it is temporary. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Asked before each request, so that credentials can be refreshed while a process runs. */
export type CredentialProvider = () => Promise<Credentials>;
