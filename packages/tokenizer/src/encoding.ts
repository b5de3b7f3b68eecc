import { TokenizerError } from '@weft/errors';

/** One encoded window, a column a token. Columns of places are empty where they were not asked for. */
export interface Encoding {
  ids: number[];
  typeIds: number[];
  /** 1 for tokens that the post-processor put in, and for padding. */
  special: number[];
  attention: number[];
  /** UTF-16 places in the given text. */
  starts: number[];
  ends: number[];
  /** The word that the token came from, within its text; -1 for none. */
  words: number[];
  /** 0 for the text, 1 for its pair, -1 for neither. */
  sequences: number[];
  /** The windows that truncation cut off. */
  overflowing: Encoding[];
}

export type Side = 'left' | 'right';
export type TruncationStrategy = 'longest_first' | 'only_first' | 'only_second' | 'do_not_truncate';

export interface Truncation {
  maxLength: number;
  strategy: Exclude<TruncationStrategy, 'do_not_truncate'>;
  stride: number;
  side: Side;
}

type Column = Exclude<keyof Encoding, 'overflowing'>;
const COLUMNS: readonly Column[] = [
  'ids',
  'typeIds',
  'special',
  'attention',
  'starts',
  'ends',
  'words',
  'sequences',
];

export function emptyEncoding(): Encoding {
  return {
    ids: [],
    typeIds: [],
    special: [],
    attention: [],
    starts: [],
    ends: [],
    words: [],
    sequences: [],
    overflowing: [],
  };
}

/** A column of one value. */
export function filled(length: number, value: number): number[] {
  return new Array<number>(length).fill(value);
}

/** The tokens that a post-processor puts in. */
export function specialEncoding(ids: readonly number[], typeId: number, hasPlaces: boolean): Encoding {
  const length = ids.length;
  return {
    ids: [...ids],
    typeIds: filled(length, typeId),
    special: filled(length, 1),
    attention: filled(length, 1),
    starts: hasPlaces ? filled(length, 0) : [],
    ends: hasPlaces ? filled(length, 0) : [],
    words: hasPlaces ? filled(length, -1) : [],
    sequences: filled(length, -1),
    overflowing: [],
  };
}

function sliceEncoding(encoding: Encoding, from: number, to: number): Encoding {
  const out = emptyEncoding();
  for (const column of COLUMNS) out[column] = encoding[column].slice(from, to);
  return out;
}

function joinColumns(a: Encoding, b: Encoding): Encoding {
  const out = emptyEncoding();
  for (const column of COLUMNS) out[column] = a[column].concat(b[column]);
  return out;
}

/** Puts windows after each other; each with each of the other's windows, in the order of the Rust library. */
export function mergeEncodings(parts: readonly Encoding[]): Encoding {
  if (parts.length === 0) return emptyEncoding();
  return parts.reduce((a, b) => {
    const out = joinColumns(a, b);
    for (const window of a.overflowing) {
      out.overflowing.push(joinColumns(window, b));
      for (const other of b.overflowing) out.overflowing.push(joinColumns(window, other));
    }
    for (const other of b.overflowing) out.overflowing.push(joinColumns(a, other));
    return out;
  });
}

/** Cuts to `maxLength` tokens; what is cut off becomes windows that share `stride` tokens. */
function truncateEncoding(encoding: Encoding, maxLength: number, stride: number, side: Side): Encoding {
  const length = encoding.ids.length;
  if (maxLength >= length) return encoding;
  if (maxLength === 0) return { ...emptyEncoding(), overflowing: [encoding] };
  if (stride >= maxLength) {
    throw new TokenizerError({
      operation: 'truncate',
      expected: `a stride below the ${maxLength} tokens that a window has room for`,
      received: `${stride}`,
      remedy: 'lower stride or raise maxLength (special tokens take room too)',
    });
  }
  const step = maxLength - stride;
  const windows: Encoding[] = [];
  if (side === 'right') {
    for (let from = 0; ; from += step) {
      const to = Math.min(from + maxLength, length);
      windows.push(sliceEncoding(encoding, from, to));
      if (to === length) break;
    }
  } else {
    for (let to = length; ; to -= step) {
      const from = Math.max(0, to - maxLength);
      windows.push(sliceEncoding(encoding, from, to));
      if (from === 0) break;
    }
  }
  const [first, ...rest] = windows;
  return { ...first!, overflowing: rest };
}

/** The lengths that longest-first leaves of a pair. */
function shareLengths(first: number, second: number, maxLength: number): [number, number] {
  const swapped = first > second;
  let shorter = Math.min(first, second);
  let longer = shorter > maxLength ? shorter : Math.max(shorter, maxLength - shorter);
  if (shorter + longer > maxLength) {
    shorter = Math.floor(maxLength / 2);
    longer = shorter + (maxLength % 2);
  }
  return swapped ? [longer, shorter] : [shorter, longer];
}

/** Truncates a text and its pair so that both have at most `maxLength` tokens together. */
export function truncateEncodings(
  first: Encoding,
  second: Encoding | null,
  { maxLength, strategy, stride, side }: Truncation,
): [Encoding, Encoding | null] {
  const cut = (encoding: Encoding, length: number): Encoding =>
    truncateEncoding(encoding, length, stride, side);
  const total = first.ids.length + (second?.ids.length ?? 0);
  if (maxLength === 0) return [cut(first, 0), second && cut(second, 0)];
  const excess = total - maxLength;
  if (excess <= 0) return [first, second];
  if (strategy === 'longest_first') {
    if (second === null) return [cut(first, maxLength), null];
    const [a, b] = shareLengths(first.ids.length, second.ids.length, maxLength);
    return [cut(first, a), cut(second, b)];
  }
  const target = strategy === 'only_first' ? first : second;
  if (target === null || target.ids.length <= excess) {
    throw new TokenizerError({
      operation: 'truncate',
      expected:
        target === null ? 'a pair, for only_second' : `a text longer than the ${excess} tokens to cut`,
      received: target === null ? 'one text' : `${target.ids.length} tokens`,
      remedy: 'use longest_first, or a greater maxLength',
    });
  }
  const kept = cut(target, target.ids.length - excess);
  return strategy === 'only_first' ? [kept, second] : [first, kept];
}

export interface Padding {
  length: number;
  side: Side;
  id: number;
  typeId: number;
}

/** Pads a window and those that overflowed from it. */
export function padEncoding(encoding: Encoding, padding: Padding): Encoding {
  const missing = padding.length - encoding.ids.length;
  const overflowing = encoding.overflowing.map((window) => padEncoding(window, padding));
  if (missing <= 0) return { ...encoding, overflowing };
  const hasPlaces = encoding.starts.length > 0 || encoding.ids.length === 0;
  const pad = specialEncoding(filled(missing, padding.id), padding.typeId, hasPlaces);
  pad.attention.fill(0);
  const joined = padding.side === 'right' ? joinColumns(encoding, pad) : joinColumns(pad, encoding);
  return { ...joined, overflowing };
}
