import type { AlignedText } from './aligned-text.js';

/** What becomes of a delimiter. */
export type SplitBehavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

export interface Span {
  from: number;
  to: number;
  isMatch: boolean;
}

/** Lists the whole text as matches and what lies between them. */
export type Pattern = (text: string) => Span[];

export function splitBy(text: AlignedText, pattern: Pattern, behavior: SplitBehavior): AlignedText[] {
  return arrange(pattern(text.text), behavior)
    .filter(({ from, to }) => from < to)
    .map(({ from, to }) => text.slice(from, to));
}

function arrange(spans: Span[], behavior: SplitBehavior): Span[] {
  switch (behavior) {
    case 'Isolated':
      return spans;
    case 'Removed':
      return spans.filter((span) => !span.isMatch);
    case 'Contiguous':
      return merge(spans, (span, before) => span.isMatch === before.isMatch);
    case 'MergedWithPrevious':
      return merge(spans, (span, before) => span.isMatch && !before.isMatch);
    case 'MergedWithNext':
      return mergeWithNext(spans);
  }
}

function merge(spans: Span[], joins: (span: Span, before: Span) => boolean): Span[] {
  const out: Span[] = [];
  let before: Span | undefined;
  for (const span of spans) {
    const last = out.at(-1);
    if (before && last && joins(span, before)) last.to = span.to;
    else out.push({ ...span });
    before = span;
  }
  return out;
}

function mergeWithNext(spans: Span[]): Span[] {
  const out: Span[] = [];
  let after: Span | undefined;
  for (let i = spans.length - 1; i >= 0; i--) {
    const span = spans[i]!;
    const last = out.at(-1);
    if (after && last && span.isMatch && !after.isMatch) last.from = span.from;
    else out.push({ ...span });
    after = span;
  }
  return out.reverse();
}

/** The pattern of one literal string. */
export function literalPattern(literal: string): Pattern {
  return (text) => {
    const spans: Span[] = [];
    let at = 0;
    for (let hit = text.indexOf(literal); hit >= 0 && literal !== ''; hit = text.indexOf(literal, at)) {
      if (hit > at) spans.push({ from: at, to: hit, isMatch: false });
      at = hit + literal.length;
      spans.push({ from: hit, to: at, isMatch: true });
    }
    if (at < text.length) spans.push({ from: at, to: text.length, isMatch: false });
    return spans;
  };
}

/** The pattern of a global regular expression. */
export function regExpPattern(expression: RegExp): Pattern {
  return (text) => {
    const spans: Span[] = [];
    let at = 0;
    for (const hit of text.matchAll(expression)) {
      if (hit[0] === '') continue;
      if (hit.index > at) spans.push({ from: at, to: hit.index, isMatch: false });
      at = hit.index + hit[0].length;
      spans.push({ from: hit.index, to: at, isMatch: true });
    }
    if (at < text.length) spans.push({ from: at, to: text.length, isMatch: false });
    return spans;
  };
}

/** Each code point that `belongs` is a match of its own. */
export function characterPattern(belongs: (code: number) => boolean): Pattern {
  return (text) => {
    const spans: Span[] = [];
    let at = 0;
    for (let i = 0; i < text.length; ) {
      const code = text.codePointAt(i)!;
      const next = i + (code > 0xffff ? 2 : 1);
      if (belongs(code)) {
        if (i > at) spans.push({ from: at, to: i, isMatch: false });
        spans.push({ from: i, to: next, isMatch: true });
        at = next;
      }
      i = next;
    }
    if (at < text.length) spans.push({ from: at, to: text.length, isMatch: false });
    return spans;
  };
}

export function invertPattern(pattern: Pattern): Pattern {
  return (text) => pattern(text).map((span) => ({ ...span, isMatch: !span.isMatch }));
}
