import rust from 'tokenizers';
import type { EncodedText, EncodeOptions, Tokenizer } from '../src/index.ts';

/** One window as both libraries tell it. Offsets are UTF-16. */
export interface Window {
  ids: number[];
  typeIds: number[];
  attention: number[];
  special: number[];
  offsets: (readonly [number, number])[];
  words: (number | null)[];
}

type RustEncoding = Awaited<ReturnType<InstanceType<typeof rust.Tokenizer>['encode']>>;

/** The UTF-16 place of each code point, and the end. */
function placesOf(text: string): number[] {
  const places = [0];
  for (const character of text) places.push(places.at(-1)! + character.length);
  return places;
}

function windowOf(encoding: RustEncoding, text: string, pair: string | undefined): Window {
  const places = [placesOf(text), placesOf(pair ?? '')];
  const sequences = encoding.getSequenceIds();
  const specials = encoding.getSpecialTokensMask();
  return {
    ids: encoding.getIds(),
    typeIds: encoding.getTypeIds(),
    attention: encoding.getAttentionMask(),
    special: specials,
    offsets: encoding.getOffsets().map(([start, end], i) => {
      const table = places[sequences[i] === 1 ? 1 : 0]!;
      return specials[i] ? [0, 0] : [table[start!]!, table[end!]!];
    }),
    words: encoding.getWordIds().map((word) => word ?? null),
  };
}

/** The Rust library with the same tokenizer.json. */
export class Oracle {
  readonly tokenizer: InstanceType<typeof rust.Tokenizer>;
  private readonly unprocessed: InstanceType<typeof rust.Tokenizer>;

  constructor(tokenizer: Tokenizer) {
    const json = tokenizer.toJson();
    this.tokenizer = rust.Tokenizer.fromString(JSON.stringify(json));
    this.unprocessed = rust.Tokenizer.fromString(JSON.stringify({ ...json, post_processor: null }));
  }

  /**
   * All windows, of whole encodings that are truncated and processed afterwards: `encode` of 0.23 stops early
   * where it truncates and loses windows. Texts must be of the basic plane, so that code points are UTF-16.
   */
  async windows(text: string, pair?: string, addSpecialTokens = true): Promise<Window[]> {
    const first = await this.unprocessed.encode(text);
    const second = pair === undefined ? undefined : await this.unprocessed.encode(pair);
    const encoding = this.tokenizer.postProcess(first, second, addSpecialTokens);
    return [encoding, ...encoding.getOverflowing()].map((one) => ({
      ids: one.getIds(),
      typeIds: one.getTypeIds(),
      attention: one.getAttentionMask(),
      special: one.getSpecialTokensMask(),
      offsets: one.getOffsets().map(([start, end]) => [start!, end!] as const),
      words: one.getWordIds().map((word) => word ?? null),
    }));
  }

  /** All windows of each text: the first, then those that overflowed. */
  async encodeAll(texts: string[], pairs?: string[], addSpecialTokens = true): Promise<Window[][]> {
    const options = { addSpecialTokens };
    const encodings = pairs
      ? await Promise.all(texts.map((text, i) => this.tokenizer.encode(text, pairs[i]!, options)))
      : await this.tokenizer.encodeBatch(texts, options);
    return encodings.map((encoding, i) =>
      [encoding, ...encoding.getOverflowing()].map((one) => windowOf(one, texts[i]!, pairs?.[i])),
    );
  }
}

export const ALL_COLUMNS = {
  returnOffsetsMapping: true,
  returnWordIds: true,
  returnSpecialTokensMask: true,
  returnTokenTypeIds: true,
} as const satisfies EncodeOptions;

export function ourWindow(encoded: EncodedText): Window {
  return {
    ids: encoded.inputIds,
    typeIds: encoded.tokenTypeIds!,
    attention: encoded.attentionMask,
    special: encoded.specialTokensMask!,
    offsets: encoded.offsetsMapping!,
    words: encoded.wordIds!,
  };
}

/** weft's windows of each text, in the form of the oracle's. */
export function ourWindows(tokenizer: Tokenizer, texts: string[], options: EncodeOptions = {}): Window[][] {
  const batch = tokenizer.encodeBatch(texts, { ...ALL_COLUMNS, returnOverflowingTokens: true, ...options });
  const out: Window[][] = texts.map(() => []);
  batch.overflowToSampleMapping!.forEach((sample, row) => {
    out[sample]!.push({
      ids: batch.inputIds[row]!,
      typeIds: batch.tokenTypeIds![row]!,
      attention: batch.attentionMask[row]!,
      special: batch.specialTokensMask![row]!,
      offsets: batch.offsetsMapping![row]!,
      words: batch.wordIds![row]!,
    });
  });
  return out;
}

/** The first text on which the two differ, with what each says. */
export function firstDifference(texts: string[], ours: Window[][], theirs: Window[][]): object | null {
  for (let i = 0; i < texts.length; i++) {
    const a = JSON.stringify(ours[i]);
    const b = JSON.stringify(theirs[i]);
    if (a !== b) return { text: texts[i]!.slice(0, 500), ours: a.slice(0, 3000), theirs: b.slice(0, 3000) };
  }
  return null;
}
