/** A failure whose message is meant for the client. */
export class RequestError extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | undefined;
  /** Seconds after which another attempt may succeed. */
  retryAfter: number | undefined;

  constructor(status: number, code: string, message: string, param?: string) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
    this.code = code;
    this.param = param;
  }
}
