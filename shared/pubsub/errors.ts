/** Stable codes; the first group crosses the wire in ERROR frames, the second is thrown at callers only. */
export type PubsubErrorCode =
  | 'ERR_FRAME_TOO_BIG'
  | 'ERR_MALFORMED'
  | 'ERR_PROTOCOL_VERSION'
  | 'ERR_HELLO_EXPECTED'
  | 'ERR_HELLO_TIMEOUT'
  | 'ERR_UNEXPECTED_FRAME'
  | 'ERR_BAD_TOPIC'
  | 'ERR_BAD_KEY'
  | 'ERR_BAD_VALUE'
  | 'ERR_TOO_MANY_SUBSCRIPTIONS'
  | 'ERR_TOO_MUCH'
  | 'ERR_NOT_READING'
  | 'ERR_REFUSED'
  //
  | 'ERR_TOPIC_TAKEN'
  | 'ERR_ALREADY_SUBSCRIBED'
  | 'ERR_ADDRESS_IN_USE'
  | 'ERR_BAD_PATH'
  | 'ERR_CLOSED';

/** Anything that pubsub refuses. `message` says what was attempted and on what. */
export class PubsubError extends Error {
  readonly code: PubsubErrorCode;

  constructor(code: PubsubErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PubsubError';
    this.code = code;
  }
}

/** The error itself when it is one of ours, else one of ours with that error as cause. */
export function asPubsubError(error: unknown, code: PubsubErrorCode, attempt: string): PubsubError {
  if (error instanceof PubsubError) return error;
  return new PubsubError(code, `${attempt}: ${reasonOf(error)}`, { cause: error });
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
