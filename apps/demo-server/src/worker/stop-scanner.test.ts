import { describe, expect, it } from 'vitest';
import { StopScanner } from './stop-scanner.js';

function through(stops: string[], pieces: string[]): { text: string; given: string[]; stopped: boolean } {
  const scanner = new StopScanner(stops);
  const given = pieces.map((piece) => scanner.push(piece));
  const { stopped } = scanner;
  const text = given.join('') + (stopped ? '' : scanner.end());
  return { text, given, stopped };
}

describe('StopScanner', () => {
  it('lets all through without stops, at once', () => {
    expect(through([], ['a', 'b']).given).toEqual(['a', 'b']);
  });

  it('finds a stop that comes in pieces, and gives what stands before it', () => {
    expect(through(['END'], ['one E', 'N', 'D two'])).toMatchObject({ text: 'one ', stopped: true });
  });

  it('holds back no more than may become a stop, and gives it back when it does not', () => {
    const { given, text } = through(['END'], ['an E', 'nd E', 'N']);
    expect(given).toEqual(['an ', 'End ', '']);
    expect(text).toBe('an End EN');
  });

  it('stops at the first of several, the earliest in the text', () => {
    expect(through(['cd', 'bc'], ['abcd']).text).toBe('a');
    expect(through(['\n\n', '.'], ['x\n', '\ny.']).text).toBe('x');
  });

  it('finds a stop that overlaps itself', () => {
    expect(through(['aab'], ['a', 'a', 'a', 'b']).text).toBe('a');
  });
});
