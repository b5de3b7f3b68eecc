import { describe, expect, it } from 'vitest';
import { failureFrom, toFailure } from './failure.js';

const body = (message: string, code: string) => ({ error: { message, code, type: 'x', param: null } });

describe('failures of the server, told on the page', () => {
  it('keeps the message and says what to do, by code first and by status else', () => {
    const long = failureFrom(body('at most 128 tokens here', 'context_length_exceeded'), 400);
    expect(long.message).toBe('At most 128 tokens here.');
    expect(long.remedy).toBe('Shorten the text and try again.');
    expect(failureFrom(body('prompt: too small', 'invalid_body'), 400).remedy).toMatch(/^Change what/);
    expect(failureFrom(body('no key', 'invalid_api_key'), 401)).toMatchObject({ status: 401 });
  });

  it('says how long to wait where the server says so', () => {
    expect(failureFrom(body('queue full', 'queue_full'), 429, '7').remedy).toContain('in 7 s');
    expect(failureFrom(body('queue full', 'queue_full'), 429).remedy).toContain('in a moment');
  });

  it.each([undefined, null, 'text', {}, { error: 'text' }, { error: { message: 3 } }])(
    'makes do with a body that says nothing: %j',
    (odd) => {
      expect(failureFrom(odd, 502).message).toBe('The server answered 502.');
      expect(failureFrom(odd, 0).message).toBe('The server answered with an error.');
    },
  );

  it('takes what fetch throws for a server that is away', () => {
    expect(toFailure(new TypeError('Failed to fetch')).message).toBe('The server does not answer.');
    expect(toFailure('odd').message).toBe('odd');
  });
});
