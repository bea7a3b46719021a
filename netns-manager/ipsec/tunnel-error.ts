/** A tunnel that can't be set up as it is configured. `message` says why, in words for its status and without secrets. */
export class TunnelError extends Error {
  readonly code = 'ERR_TUNNEL';
  readonly tunnel: string;

  constructor(tunnel: string, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'TunnelError';
    this.tunnel = tunnel;
  }
}
