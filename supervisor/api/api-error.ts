/** What the API answers when it can't do what was asked. */
export interface ErrorReport {
  code: string;
  message: string;
  remedy: string;
}

/** A refusal with its HTTP status. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly remedy: string;

  constructor(status: number, { code, message, remedy }: ErrorReport, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }
}

/** Any failure as an ApiError: what was not expected is a 500 in its own words. */
export function toApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  const { code, remedy } = (cause ?? {}) as { code?: unknown; remedy?: unknown };
  return new ApiError(
    500,
    {
      code: typeof code === 'string' ? code : 'ERR_INTERNAL',
      message: messageOf(cause),
      remedy: typeof remedy === 'string' ? remedy : 'look at `nibox logs` for what happened before',
    },
    { cause },
  );
}

export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
