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

const byStatus: Record<number, string> = {
  400: 'Change what was asked and try again.',
  401: 'This server asks for an API key. Enter it here; it is kept until this tab closes.',
  404: 'The server does not offer this. It may be older than this page: restart it and reload.',
  413: 'Shorten the text and try again.',
  429: 'The server has as much work as it takes on. Try again in a moment.',
  503: 'The model is still loading or was restarted. Try again in a moment.',
  504: 'The model took longer than the server allows. Ask for fewer tokens, or shorten the text.',
};

const byCode: Record<string, string> = {
  context_length_exceeded: 'Shorten the text and try again.',
  wrong_model: 'Choose another model above.',
  model_not_found: 'Reload the page: the server’s models have changed.',
  host_not_allowed: 'Open the page as 127.0.0.1 or localhost.',
  shutting_down: 'Start it again with “weft serve”, then try again.',
};

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Reads the server's error object, wherever it came: in an answer's body or inside a stream. */
export function failureFrom(body: unknown, status: number, retryAfter: string | null = null): Failure {
  const { message, code } = record(record(body).error);
  const wait = Number(retryAfter);
  const remedy =
    status === 429 && wait > 0
      ? `The server has as much work as it takes on. Try again in ${wait} s.`
      : (byCode[String(code)] ?? byStatus[status]);
  return new Failure(
    typeof message === 'string' && message !== ''
      ? sentence(message)
      : `The server answered ${status || 'with an error'}.`,
    remedy ?? 'Try again. If it stays so, the server’s log says more.',
    status,
  );
}

/** The server's messages are parts of sentences; on the page they stand alone. */
const sentence = (message: string): string =>
  `${message[0]!.toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? '' : '.'}`;

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
