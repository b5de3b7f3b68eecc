import { DownloadError } from '@weft/errors';
import type { EnvHttpProxyAgent } from 'undici';

let proxyAgent: EnvHttpProxyAgent | undefined;

/**
 * fetch through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name, which Node's own ignores. What it takes is
 * loaded when it is first called: a tenth of a second, which a model on disk need not wait for.
 */
export const proxyFetch: typeof fetch = (async (input: string | URL, init?: object) => {
  const undici = await import('undici');
  proxyAgent ??= new undici.EnvHttpProxyAgent();
  return undici.fetch(input, { ...init, dispatcher: proxyAgent });
}) as unknown as typeof fetch;

/** The fetch for one caller: with its token and its signal. A redirect to another host drops the token. */
export function hubFetch(token: string | undefined, signal: AbortSignal | undefined): typeof fetch {
  return (input, init) =>
    proxyFetch(input, {
      ...init,
      headers: {
        ...(init?.headers as Record<string, string> | undefined),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(signal ? { signal } : {}),
    });
}

/** The error for an HTTP status, with what a person can do about it. */
export function httpError(status: number, url: string, what: string): DownloadError {
  const remedies: Record<number, string> = {
    401: 'set HF_TOKEN, or pass a token, if the model is private or gated; check its name otherwise',
    403: 'ask for access on the page of the model, and set HF_TOKEN',
    404: 'check the name and the revision',
    429: 'wait a while; a token raises the limit',
  };
  return new DownloadError({
    operation: 'download',
    expected: `${what} from the hub`,
    received: `HTTP ${status}`,
    remedy: remedies[status] ?? 'try again later; what has come is kept and gone on from',
    url,
    status,
  });
}

/** No connection came about, as against an answer that says no: fetch throws a TypeError with a cause then. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined;
}

/** A server that cannot answer now, so that what is in the cache is the best there is. */
export function isServerDown(error: unknown): boolean {
  return isUnreachable(error) || (error instanceof DownloadError && (error.status ?? 0) >= 500);
}
