import { Buffer } from 'node:buffer';
import type { BpeModel } from './bpe.js';
import { mergeSymbols, type Symbols } from './bpe-merge.js';
import { utf8Of } from './bytes.js';
import { Gpt2Splitter } from './gpt2-split.js';
import type { TokenSink } from './token-sink.js';
import { isChinese, punctuation, widthOf } from './unicode.js';

/** The tokens of one chunk, with places from its start and the words it holds. */
export interface ChunkTokens {
  ids: number[];
  from: number[];
  to: number[];
  /** For each token, the word within the chunk. */
  words: number[];
  wordCount: number;
}

/** Encodes a stretch of text without added tokens; answers how many words it held. */
export interface StretchEncoder {
  encode(text: string, offset: number, sink: TokenSink, firstWord: number): number;
}

const CACHED_CHUNKS = 100_000;
const LONGEST_CACHED = 64;

/**
 * Chunks that do not depend on what stands around them are encoded once and then looked up. V8's slices keep
 * the whole text they were cut from, so the keys are copies.
 */
export class ChunkCache {
  private readonly entries = new Map<string, ChunkTokens>();

  constructor(private readonly encodeChunk: (chunk: string) => ChunkTokens) {}

  get(chunk: string): ChunkTokens {
    const known = this.entries.get(chunk);
    if (known !== undefined) return known;
    const tokens = this.encodeChunk(chunk);
    if (chunk.length <= LONGEST_CACHED) {
      if (this.entries.size >= CACHED_CHUNKS) this.entries.clear();
      this.entries.set(chunk.length < 13 ? chunk : Buffer.from(chunk, 'utf16le').toString('utf16le'), tokens);
    }
    return tokens;
  }
}

/** Byte-level BPE with GPT-2's pattern and no normalizer: bytes to ids without the characters in between. */
export class ByteLevelChunks implements StretchEncoder {
  private readonly cache = new ChunkCache((chunk) => this.encodeWord(chunk));
  private readonly splitter = new Gpt2Splitter();

  constructor(private readonly model: BpeModel) {}

  encode(text: string, offset: number, sink: TokenSink, firstWord: number): number {
    const length = text.length;
    let word = firstWord;
    for (let from = 0; from < length; word++) {
      const to = this.splitter.endOf(text, from, length);
      sink.addWord(this.cache.get(text.slice(from, to)), offset + from, word);
      from = to;
    }
    return word - firstWord;
  }

  private encodeWord(word: string): ChunkTokens {
    const symbols: Symbols = { ids: [], from: [], to: [] };
    for (let at = 0; at < word.length; ) {
      const width = widthOf(word.codePointAt(at)!);
      for (const byte of utf8Of(word.slice(at, at + width))) {
        symbols.ids.push(this.model.byteIds[byte]!);
        symbols.from.push(at);
        symbols.to.push(at + width);
      }
      at += width;
    }
    mergeSymbols(symbols, this.model.merges);
    return { ...symbols, words: symbols.ids.map(() => 0), wordCount: 1 };
  }
}

const SPACE = 1;
const ALONE = 2;

/** Where chunks may be cut: at spaces, and around characters that are a word each in any case. */
export function bertClasses(splitsChinese: boolean): Uint8Array {
  const classes = spaceClasses();
  for (let code = 33; code < 127; code++) if (punctuation().has(code)) classes[code] = ALONE;
  for (let code = 0x3400; splitsChinese && code < 0xfb00; code++) if (isChinese(code)) classes[code] = ALONE;
  return classes;
}

export function spaceClasses(): Uint8Array {
  const classes = new Uint8Array(0x10000);
  for (const code of [9, 10, 13, 32]) classes[code] = SPACE;
  return classes;
}

/** Pipelines that cut at spaces and do nothing across them: BERT's and T5's. */
export class SpacedChunks implements StretchEncoder {
  private readonly cache: ChunkCache;

  constructor(
    private readonly classes: Uint8Array,
    encodeChunk: (chunk: string) => ChunkTokens,
    /** Spaces bind to a character that is not ASCII, so a chunk ends at a space between ASCII only. */
    private readonly bindsSpaces: boolean,
  ) {
    this.cache = new ChunkCache(encodeChunk);
  }

  encode(text: string, offset: number, sink: TokenSink, firstWord: number): number {
    const { classes } = this;
    const length = text.length;
    let word = firstWord;
    for (let from = 0; from < length; ) {
      const kind = classes[text.charCodeAt(from)]!;
      if (kind === SPACE && !this.isBound(text, from)) {
        from++;
        continue;
      }
      let to = from + 1;
      if (kind !== ALONE) {
        for (; to < length; to++) {
          const next = classes[text.charCodeAt(to)]!;
          if (next === ALONE || (next === SPACE && !this.isBound(text, to))) break;
        }
      }
      word += sink.addChunk(this.cache.get(text.slice(from, to)), offset + from, word);
      from = to;
    }
    return word - firstWord;
  }

  private isBound(text: string, at: number): boolean {
    return this.bindsSpaces && at + 1 < text.length && text.charCodeAt(at + 1) > 0x7f;
  }
}
