import { type AddedToken, AddedTokenFinder, readAddedTokens } from './added-tokens.js';
import { AlignedText } from './aligned-text.js';
import { BpeModel } from './bpe.js';
import {
  ByteLevelChunks,
  bertClasses,
  type ChunkTokens,
  SpacedChunks,
  type StretchEncoder,
  spaceClasses,
} from './chunks.js';
import { createDecoder, type Decoder } from './decoders.js';
import { type Encoding, type Truncation, truncateEncodings } from './encoding.js';
import { asObject, type Json, type JsonObject } from './json.js';
import { createModel, type TokenModel } from './models.js';
import { createNormalizer, type Normalizer, normalizeString, readBertNormalizer } from './normalizers.js';
import { createPostProcessor, type PostProcessor, postProcess } from './post-processors.js';
import { createPreTokenizer, type PreTokenizer, readByteLevel } from './pre-tokenizers.js';
import { TokenSink } from './token-sink.js';
import { wellFormed } from './unicode.js';

export interface PipelineOptions {
  addSpecialTokens: boolean;
  hasPlaces: boolean;
  truncation: Truncation | null;
}

/** What a tokenizer.json describes: normalizer, pre-tokenizer, model, post-processor, decoder, added tokens. */
export class Pipeline {
  readonly model: TokenModel;
  readonly decoder: Decoder | null;
  private readonly normalizer: Normalizer | null;
  private readonly preTokenizer: PreTokenizer | null;
  private readonly postProcessor: PostProcessor | null;
  private readonly quick: StretchEncoder | null;
  private readonly tokens: string[] = [];
  private readonly added = new Map<string, AddedToken>();
  private readonly addedById = new Map<number, AddedToken>();
  private rawFinder = new AddedTokenFinder([]);
  private normalizedFinder = new AddedTokenFinder([]);
  private readonly spaces = new Map<number, { leading: number; trailing: number }>();

  constructor(readonly json: JsonObject) {
    this.model = createModel(json.model);
    this.normalizer = createNormalizer(json.normalizer);
    this.preTokenizer = createPreTokenizer(json.pre_tokenizer);
    this.postProcessor = createPostProcessor(json.post_processor);
    this.decoder = createDecoder(json.decoder);
    for (const [token, id] of this.model.vocab) this.tokens[id] ??= token;
    this.addTokens(readAddedTokens(json.added_tokens));
    this.quick = this.chooseQuick();
  }

  static parse(value: Json): Pipeline {
    return new Pipeline(asObject(value, 'tokenizer.json'));
  }

  get addedTokens(): AddedToken[] {
    return [...this.added.values()].sort((a, b) => a.id - b.id);
  }

  /** Ids from 0 to one below this are in use. */
  get size(): number {
    let highest = this.tokens.length;
    for (const id of this.addedById.keys()) highest = Math.max(highest, id + 1);
    return highest;
  }

  addTokens(tokens: readonly AddedToken[]): void {
    for (const token of tokens) {
      if (token.content === '') continue;
      const before = this.added.get(token.content);
      if (before) this.addedById.delete(before.id);
      this.added.set(token.content, token);
      this.addedById.set(token.id, token);
    }
    const all = [...this.added.values()];
    this.rawFinder = new AddedTokenFinder(all.filter((token) => !token.normalized));
    this.normalizedFinder = new AddedTokenFinder(
      all.filter((token) => token.normalized),
      (content) => normalizeString(this.normalizer, content),
    );
    this.spaces.clear();
  }

  idOf(token: string): number | undefined {
    return this.added.get(token)?.id ?? this.model.vocab.get(token);
  }

  tokenOf(id: number): string | undefined {
    return this.addedById.get(id)?.content ?? this.tokens[id];
  }

  isSpecial(id: number): boolean {
    return this.addedById.get(id)?.special ?? false;
  }

  isAdded(id: number): boolean {
    return this.addedById.has(id);
  }

  addedTokenCount(isPair: boolean): number {
    return this.postProcessor?.addedTokens(isPair) ?? 0;
  }

  encode(text: string, pair: string | null, options: PipelineOptions): Encoding {
    let first = this.encodeText(text, 0, options.hasPlaces);
    let second = pair === null ? null : this.encodeText(pair, 1, options.hasPlaces);
    if (options.truncation) {
      const reserved = options.addSpecialTokens ? this.addedTokenCount(pair !== null) : 0;
      const maxLength = Math.max(0, options.truncation.maxLength - reserved);
      [first, second] = truncateEncodings(first, second, { ...options.truncation, maxLength });
    }
    const parts = second === null ? [first] : [first, second];
    return postProcess(this.postProcessor, parts, {
      ...options,
      spacesOf: (encoding, i) =>
        this.spacesOf(encoding, i, encoding.sequences[i] === 1 ? (pair ?? '') : text),
    });
  }

  private encodeText(given: string, sequence: 0 | 1, hasPlaces: boolean): Encoding {
    const text = wellFormed(given);
    const sink = new TokenSink(hasPlaces);
    let word = 0;
    for (const { from, to, id } of this.rawFinder.isEmpty ? whole(text) : this.rawFinder.split(text)) {
      if (id >= 0) sink.add(id, from, to, word++);
      else word += this.encodeStretch(text.slice(from, to), from, sink, word);
    }
    return sink.finish(sequence);
  }

  /** A stretch between tokens that are found in the text as given. */
  private encodeStretch(text: string, offset: number, sink: TokenSink, firstWord: number): number {
    const { quick, normalizedFinder: finder } = this;
    if (quick && finder.isEmpty) return quick.encode(text, offset, sink, firstWord);
    if (quick && !this.normalizer) {
      let word = firstWord;
      for (const { from, to, id } of finder.split(text)) {
        if (id >= 0) sink.add(id, offset + from, offset + to, word++);
        else word += quick.encode(text.slice(from, to), offset + from, sink, word);
      }
      return word - firstWord;
    }
    return this.encodeNormalized(text, offset, sink, firstWord);
  }

  private encodeNormalized(text: string, offset: number, sink: TokenSink, firstWord: number): number {
    const aligned = AlignedText.from(text, offset);
    const normalized = this.normalizer ? this.normalizer(aligned) : aligned;
    let word = firstWord;
    for (const { from, to, id } of this.normalizedFinder.split(normalized.text)) {
      const piece = normalized.slice(from, to);
      if (id >= 0) sink.add(id, piece.starts[0]!, piece.ends[piece.length - 1]!, word++);
      else for (const part of this.wordsOf(piece)) this.encodeWord(part, sink, word++);
    }
    return word - firstWord;
  }

  private wordsOf(piece: AlignedText): AlignedText[] {
    return this.preTokenizer ? this.preTokenizer(piece).filter((part) => part.length > 0) : [piece];
  }

  private encodeWord(word: AlignedText, sink: TokenSink, index: number): void {
    this.model.tokenize(word.text, (id, from, to) => {
      sink.add(id, word.starts[from]!, word.ends[to - 1]!, index);
    });
  }

  /** A chunk of ASCII letters and digits is one word, and its places stay where they are. */
  private encodePlain(chunk: string): ChunkTokens {
    const out: ChunkTokens = { ids: [], from: [], to: [], words: [], wordCount: 1 };
    this.model.tokenize(chunk, (id, from, to) => {
      out.ids.push(id);
      out.from.push(from);
      out.to.push(to);
      out.words.push(0);
    });
    return out;
  }

  private encodeChunk(text: string): ChunkTokens {
    const chunk = AlignedText.from(text);
    const out: ChunkTokens = { ids: [], from: [], to: [], words: [], wordCount: 0 };
    const normalized = this.normalizer ? this.normalizer(chunk) : chunk;
    if (normalized.length === 0) return out;
    for (const word of this.wordsOf(normalized)) {
      this.model.tokenize(word.text, (id, from, to) => {
        out.ids.push(id);
        out.from.push(word.starts[from]!);
        out.to.push(word.ends[to - 1]!);
        out.words.push(out.wordCount);
      });
      out.wordCount++;
    }
    return out;
  }

  /** A way around the general stages where text comes in chunks that know nothing of each other. */
  private chooseQuick(): StretchEncoder | null {
    const { normalizer, pre_tokenizer: preTokenizer } = this.json;
    const typeOf = (value: Json | undefined): string | undefined => {
      const type = value === null || value === undefined ? undefined : asObject(value, 'a stage').type;
      return typeof type === 'string' ? type : undefined;
    };
    const pre = typeOf(preTokenizer);
    if (
      this.model instanceof BpeModel &&
      this.model.isPlain &&
      !this.model.ignoreMerges &&
      !this.normalizer
    ) {
      const options =
        pre === 'ByteLevel' ? readByteLevel(asObject(preTokenizer, 'pre_tokenizer')) : undefined;
      if (options?.useRegex && !options.addPrefixSpace) return new ByteLevelChunks(this.model);
    }
    const encodeChunk = (chunk: string): ChunkTokens => this.encodeChunk(chunk);
    if (pre === 'BertPreTokenizer' && typeOf(normalizer) === 'BertNormalizer') {
      const { handleChineseChars, lowercase } = readBertNormalizer(asObject(normalizer, 'normalizer'));
      const encodeBert = (chunk: string): ChunkTokens =>
        /^[A-Za-z0-9]+$/.test(chunk)
          ? this.encodePlain(lowercase ? chunk.toLowerCase() : chunk)
          : encodeChunk(chunk);
      return new SpacedChunks(bertClasses(handleChineseChars), encodeBert, false);
    }
    if (typeOf(normalizer) === 'Precompiled' && isSpacedMetaspace(preTokenizer)) {
      return new SpacedChunks(spaceClasses(), encodeChunk, true);
    }
    return null;
  }

  /** The spaces at both ends of a byte-level token; those around an added token are in the text. */
  private spacesOf(encoding: Encoding, at: number, text: string): { leading: number; trailing: number } {
    const id = encoding.ids[at]!;
    if (this.addedById.has(id)) return spacesAround(text.slice(encoding.starts[at]!, encoding.ends[at]!));
    let found = this.spaces.get(id);
    if (found === undefined) {
      found = spacesAround(this.tokenOf(id) ?? '');
      this.spaces.set(id, found);
    }
    return found;
  }

  decode(ids: readonly number[], skipSpecialTokens: boolean): string {
    const tokens: string[] = [];
    for (const id of ids) {
      const token = this.tokenOf(id);
      if (token !== undefined && !(skipSpecialTokens && this.isSpecial(id))) tokens.push(token);
    }
    return this.join(tokens);
  }

  /** The text that tokens stand for. */
  join(tokens: readonly string[]): string {
    return this.decoder ? this.decoder([...tokens]).join('') : tokens.join(' ');
  }
}

function spacesAround(token: string): { leading: number; trailing: number } {
  const leading = /^[\u0120\p{White_Space}]*/u.exec(token)![0].length;
  let trailing = 0;
  while (trailing < token.length && /[\u0120\p{White_Space}]/u.test(token.at(-1 - trailing)!)) trailing++;
  return { leading, trailing };
}

function whole(text: string): { from: number; to: number; id: number }[] {
  return text === '' ? [] : [{ from: 0, to: text.length, id: -1 }];
}

/** T5's: cut at white space, then a mark before each word. */
function isSpacedMetaspace(value: Json | undefined): boolean {
  const config = value === null || value === undefined ? {} : asObject(value, 'pre_tokenizer');
  if (config.type !== 'Sequence' || !Array.isArray(config.pretokenizers)) return false;
  const [first, second, ...rest] = config.pretokenizers.map((stage) => asObject(stage, 'pre_tokenizer'));
  const isAlways = second?.prepend_scheme === undefined || second.prepend_scheme === 'always';
  return rest.length === 0 && first?.type === 'WhitespaceSplit' && second?.type === 'Metaspace' && isAlways;
}
