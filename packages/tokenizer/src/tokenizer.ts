import { InputError, TokenizerError } from '@weft/errors';
import type { AddedToken } from './added-tokens.js';
import { type ChatMessage, type ChatTemplateOptions, renderChat } from './chat.js';
import { DecodeStream } from './decode-stream.js';
import { cleanUpTokenization } from './decoders.js';
import { type BatchEncoding, type EncodedText, type EncodeOptions, encodeMany } from './encode-batch.js';
import { describe, type JsonObject } from './json.js';
import { Pipeline } from './pipeline.js';
import { saveTokenizer } from './save.js';
import { readSettings, type SpecialTokenName, type TokenizerSettings } from './tokenizer-config.js';

export interface DecodeOptions {
  /** Leave out tokens such as [CLS] and padding. Default: false. */
  skipSpecialTokens?: boolean;
  /** Take out spaces before punctuation. Default: what tokenizer_config.json says, else false. */
  cleanUpTokenizationSpaces?: boolean;
}

/** A token to add; by itself a string is a token that stands for its own text. */
export interface NewToken {
  content: string;
  singleWord?: boolean;
  lstrip?: boolean;
  rstrip?: boolean;
  normalized?: boolean;
}

/** The parts of a {@link Tokenizer}, as they stand in files. */
export interface TokenizerFiles {
  /** The content of tokenizer.json. */
  tokenizer: unknown;
  /** The content of tokenizer_config.json. */
  config?: unknown;
  /** The content of special_tokens_map.json. */
  specialTokensMap?: unknown;
  /** The content of chat_template.jinja. */
  chatTemplate?: string | undefined;
}

/**
 * Text to ids and back, as a Hugging Face tokenizer.json describes it.
 *
 * @example
 * ```ts
 * import { trainWordPiece } from '@weft/tokenizer';
 *
 * const tokenizer = trainWordPiece(['the loom weaves the weft'], { vocabSize: 60 });
 * const { inputIds, offsetsMapping } = tokenizer.encode('The loom', { returnOffsetsMapping: true });
 * console.assert(tokenizer.decode(inputIds, { skipSpecialTokens: true }) === 'the loom');
 * console.assert(offsetsMapping?.length === inputIds.length);
 * ```
 */
export class Tokenizer {
  /** Padding goes here unless a call says otherwise. */
  paddingSide: 'left' | 'right';
  /** Truncation cuts here. */
  truncationSide: 'left' | 'right';
  /** The most tokens that the model takes; 1e30 where no file says. */
  modelMaxLength: number;
  private readonly pipeline: Pipeline;
  private readonly settings: TokenizerSettings;

  /** @throws TokenizerError when the files make no tokenizer */
  constructor(files: TokenizerFiles) {
    this.pipeline = Pipeline.parse((files.tokenizer ?? null) as JsonObject);
    const settings = readSettings(
      (files.config ?? {}) as JsonObject,
      (files.specialTokensMap ?? {}) as JsonObject,
    );
    this.settings =
      files.chatTemplate === undefined ? settings : { ...settings, chatTemplate: files.chatTemplate };
    this.paddingSide = settings.paddingSide;
    this.truncationSide = settings.truncationSide;
    this.modelMaxLength = settings.modelMaxLength;
    this.addFromSettings();
  }

  /** One more than the highest id, added tokens among them. */
  get vocabSize(): number {
    return this.pipeline.size;
  }

  get bosToken(): string | undefined {
    return this.settings.specialTokens.bos_token;
  }
  get eosToken(): string | undefined {
    return this.settings.specialTokens.eos_token;
  }
  get unkToken(): string | undefined {
    return this.settings.specialTokens.unk_token ?? this.pipeline.model.unkToken;
  }
  get sepToken(): string | undefined {
    return this.settings.specialTokens.sep_token;
  }
  get clsToken(): string | undefined {
    return this.settings.specialTokens.cls_token;
  }
  get maskToken(): string | undefined {
    return this.settings.specialTokens.mask_token;
  }
  get padToken(): string | undefined {
    return this.settings.specialTokens.pad_token;
  }
  /** Set it to a token of the vocabulary, such as the end-of-text token for GPT-2. */
  set padToken(token: string | undefined) {
    this.setSpecialToken('pad_token', token);
  }

  get bosTokenId(): number | undefined {
    return this.idOf(this.bosToken);
  }
  get eosTokenId(): number | undefined {
    return this.idOf(this.eosToken);
  }
  get unkTokenId(): number | undefined {
    return this.idOf(this.unkToken);
  }
  get sepTokenId(): number | undefined {
    return this.idOf(this.sepToken);
  }
  get clsTokenId(): number | undefined {
    return this.idOf(this.clsToken);
  }
  get maskTokenId(): number | undefined {
    return this.idOf(this.maskToken);
  }
  get padTokenId(): number | undefined {
    return this.idOf(this.padToken);
  }

  /** All ids of special tokens, in order. */
  get allSpecialIds(): number[] {
    return this.pipeline.addedTokens.filter((token) => token.special).map((token) => token.id);
  }

  /** Whether {@link encodeBatch} gives token type ids when it is not asked. */
  get givesTokenTypeIds(): boolean {
    const { modelInputNames, tokenizerClass } = this.settings;
    if (modelInputNames) return modelInputNames.includes('token_type_ids');
    if (tokenizerClass)
      return (
        /^(Bert|DistilBert|Electra|PreTrained|MobileBert|Albert)/.test(tokenizerClass) &&
        !/^Distil/.test(tokenizerClass)
      );
    return this.pipeline.model.type === 'WordPiece';
  }

  /**
   * Encodes one text, or a text and its pair.
   *
   * @returns ids and masks as plain arrays; with `returnOffsetsMapping`, UTF-16 offsets into the given text
   * @throws InputError for what is no text, TokenizerError for truncation that cannot be done
   */
  encode(text: string, options: Omit<EncodeOptions, 'textPairs'> & { textPair?: string } = {}): EncodedText {
    const { textPair, ...rest } = options;
    const batch = encodeMany(this, this.pipeline, [text], {
      ...rest,
      ...(textPair === undefined ? {} : { textPairs: [textPair] }),
    });
    const first = <T>(column: T[] | undefined): T | undefined => column?.[0];
    return dropUndefined({
      inputIds: batch.inputIds[0]!,
      attentionMask: batch.attentionMask[0]!,
      tokenTypeIds: first(batch.tokenTypeIds),
      offsetsMapping: first(batch.offsetsMapping),
      wordIds: first(batch.wordIds),
      sequenceIds: first(batch.sequenceIds),
      specialTokensMask: first(batch.specialTokensMask),
    });
  }

  /**
   * Encodes texts, or texts and their pairs. With `returnOverflowingTokens` there may be more rows than texts:
   * `overflowToSampleMapping` names the text of each.
   *
   * @returns plain arrays, a row a text; all rows of one length where `padding` is on
   * @throws InputError for what is no text, TokenizerError for truncation or padding that cannot be done
   * @example
   * ```ts
   * import { trainByteLevelBpe } from '@weft/tokenizer';
   *
   * const tokenizer = trainByteLevelBpe(['warp and weft, warp and weft'], { vocabSize: 270 });
   * tokenizer.padToken = '<|endoftext|>';
   * const { inputIds, attentionMask } = tokenizer.encodeBatch(['warp', 'warp and weft'], { padding: true });
   * console.assert(inputIds[0]?.length === inputIds[1]?.length);
   * console.assert(attentionMask[0]?.includes(0));
   * ```
   */
  encodeBatch(texts: readonly string[], options: EncodeOptions = {}): BatchEncoding {
    return encodeMany(this, this.pipeline, texts, options);
  }

  /** The tokens of a text, as the vocabulary spells them. */
  tokenize(text: string, { addSpecialTokens = false }: { addSpecialTokens?: boolean } = {}): string[] {
    return this.convertIdsToTokens(this.encode(text, { addSpecialTokens }).inputIds);
  }

  /** The text of ids. Ids beyond the vocabulary are left out, as Python leaves them. */
  decode(ids: Iterable<number> | ArrayLike<number>, options: DecodeOptions = {}): string {
    const text = this.pipeline.decode(
      Array.from(ids as ArrayLike<number>),
      options.skipSpecialTokens ?? false,
    );
    const cleans = options.cleanUpTokenizationSpaces ?? this.settings.cleanUpTokenizationSpaces;
    return cleans ? cleanUpTokenization(text) : text;
  }

  decodeBatch(rows: Iterable<Iterable<number> | ArrayLike<number>>, options: DecodeOptions = {}): string[] {
    return Array.from(rows, (row) => this.decode(row, options));
  }

  /**
   * A decoder for ids that come one at a time: `push` gives the text that has become certain, never half a
   * character; `end` gives the rest.
   */
  decodeStream(options: DecodeOptions = {}): DecodeStream {
    return new DecodeStream((ids) => this.decode(ids, { cleanUpTokenizationSpaces: false, ...options }));
  }

  convertTokensToIds(tokens: readonly string[]): (number | undefined)[] {
    const unk = this.unkTokenId;
    return tokens.map((token) => this.pipeline.idOf(token) ?? unk);
  }

  convertIdsToTokens(ids: Iterable<number>): string[] {
    return Array.from(ids, (id) => this.pipeline.tokenOf(id) ?? '');
  }

  /** The text of tokens as the vocabulary spells them; what is no token of it is taken as it is. */
  convertTokensToString(tokens: readonly string[]): string {
    return this.pipeline.join(tokens);
  }

  tokenToId(token: string): number | undefined {
    return this.pipeline.idOf(token);
  }

  idToToken(id: number): string | undefined {
    return this.pipeline.tokenOf(id);
  }

  isSpecialId(id: number): boolean {
    return this.pipeline.isSpecial(id);
  }

  /** Each token and its id, added tokens among them. */
  getVocab(): Map<string, number> {
    const vocab = new Map(this.pipeline.model.vocab);
    for (const token of this.pipeline.addedTokens) vocab.set(token.content, token.id);
    return vocab;
  }

  /** How many special tokens encoding puts around a text, or a pair. */
  numSpecialTokensToAdd(isPair = false): number {
    return this.pipeline.addedTokenCount(isPair);
  }

  /**
   * Adds tokens that are found whole in the text; those that the vocabulary has keep their ids.
   *
   * @returns how many are new; the model's embeddings must grow by as many
   */
  addTokens(tokens: readonly (string | NewToken)[], { special = false }: { special?: boolean } = {}): number {
    let next = this.pipeline.size;
    const before = next;
    const added = tokens.map((given): AddedToken => {
      const token = typeof given === 'string' ? { content: given } : given;
      if (typeof token.content !== 'string' || token.content === '') {
        throw new InputError({
          operation: 'Tokenizer.addTokens',
          expected: 'tokens that are not empty',
          received: describe(token.content),
          remedy: 'pass strings, or objects with a content',
        });
      }
      return {
        singleWord: false,
        lstrip: false,
        rstrip: false,
        normalized: !special,
        ...token,
        id: this.pipeline.idOf(token.content) ?? next++,
        special,
      };
    });
    this.pipeline.addTokens(added);
    return next - before;
  }

  addSpecialTokens(tokens: readonly (string | NewToken)[]): number {
    return this.addTokens(tokens, { special: true });
  }

  /**
   * Renders a conversation with the tokenizer's chat template.
   *
   * @throws TokenizerError when it has none, or the template refuses the messages
   */
  applyChatTemplate(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}): string {
    return renderChat(this.settings, messages, options);
  }

  /**
   * Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json, which Python loads.
   *
   * @returns the paths of the files
   */
  async savePretrained(folder: string): Promise<string[]> {
    return saveTokenizer(folder, this.toJson(), this.settings, {
      model_max_length: this.modelMaxLength,
      padding_side: this.paddingSide,
      truncation_side: this.truncationSide,
    });
  }

  /** The content of tokenizer.json. */
  toJson(): JsonObject {
    return {
      version: '1.0',
      truncation: null,
      padding: null,
      ...this.pipeline.json,
      added_tokens: this.pipeline.addedTokens.map((token) => ({
        id: token.id,
        content: token.content,
        single_word: token.singleWord,
        lstrip: token.lstrip,
        rstrip: token.rstrip,
        normalized: token.normalized,
        special: token.special,
      })),
    };
  }

  private idOf(token: string | undefined): number | undefined {
    return token === undefined ? undefined : this.pipeline.idOf(token);
  }

  private setSpecialToken(name: SpecialTokenName, token: string | undefined): void {
    if (token !== undefined && this.pipeline.idOf(token) === undefined) {
      throw new TokenizerError({
        operation: `set ${name}`,
        expected: 'a token of the vocabulary',
        received: describe(token),
        remedy: 'add it first with addSpecialTokens, and let the embeddings grow',
      });
    }
    if (token === undefined) delete this.settings.specialTokens[name];
    else this.settings.specialTokens[name] = token;
  }

  /** tokenizer_config.json may name tokens that tokenizer.json does not have. */
  private addFromSettings(): void {
    const { addedTokens, specialTokens, additionalSpecialTokens } = this.settings;
    this.pipeline.addTokens(addedTokens.filter((token) => !this.pipeline.isAdded(token.id)));
    const named = [...Object.values(specialTokens), ...additionalSpecialTokens];
    const missing = named.filter(
      (token) => token !== '' && !this.pipeline.addedTokens.some(({ content }) => content === token),
    );
    if (missing.length > 0) this.addSpecialTokens([...new Set(missing)]);
  }
}

/** Keys without a value are left out, so that a result has only what was asked for. */
function dropUndefined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}
