/** What went wrong, in the words that the page shows: what happened and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
  constructor(
    message: string,
    readonly remedy: string,
    /** The HTTP status; 0 where no answer came. */
    readonly status = 0,
  ) {
    super(message);
  }
}

const remedies: Record<number, string> = {
  401: 'This server asks for an API key. Enter one below; it is kept until this tab closes.',
  403: 'This server asks for another API key. Enter one below; it is kept until this tab closes.',
  404: 'The server does not offer this. It may be older than this page: restart it and reload.',
  413: 'Shorten the text and try again.',
  429: 'The server has as much work as it takes on. Try again in a moment.',
  503: 'The model is still loading or was restarted. Try again in a moment.',
  504: 'The model took longer than the server allows. Ask for fewer tokens, or shorten the text.',
};

interface ErrorBody {
  message?: unknown;
  remedy?: unknown;
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Reads the server's error object, wherever it came: in an answer's body or inside a stream. */
export function failureFrom(body: unknown, status: number, retryAfter: string | null = null): Failure {
  const outer = record(body);
  const { message, remedy } = record(outer.error ?? outer) as ErrorBody;
  const wait = Number(retryAfter);
  const later =
    status === 429 && wait > 0
      ? `The server has as much work as it takes on. Try again in ${wait} s.`
      : undefined;
  return new Failure(
    typeof message === 'string' && message !== ''
      ? message
      : `The server answered ${status || 'with an error'}.`,
    later ??
      (typeof remedy === 'string' && remedy !== ''
        ? remedy
        : (remedies[status] ?? 'Try again. If it stays so, the server’s log says more.')),
    status,
  );
}

export const unreachable = (): Failure =>
  new Failure('The server does not answer.', 'Start it with “weft serve”, then try again.');

/** Whatever was thrown, as a failure that can be shown. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof TypeError) return unreachable(); // what fetch throws when no answer comes
  return new Failure(
    error instanceof Error ? error.message : String(error),
    'Reload the page. If it stays so, this is a bug in the page.',
  );
}
