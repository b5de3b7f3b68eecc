/** Which class each token of a text is of: `token-classification`, also named `ner`. */
import { InputError } from '@weft/errors';
import type { BatchEncoding } from '@weft/tokenizer';
import type { BasePipeline, Parts, Task } from './call.js';
import { encodeWithin, type LengthOptions, lengthForms, maxTokens, padRows } from './encode.js';
import {
  type AggregationStrategy,
  type EntityGroup,
  entitiesOf,
  type TaggedToken,
  type TokenEntity,
  withoutOverlaps,
} from './entities.js';
import { labelsOf, readOutputs, softmax } from './labels.js';
import type { TokenClassifier } from './models.js';
import { type CallOptions, checkOptions, countFrom0, type Forms, oneOf, shown, strings } from './options.js';

export interface TokenClassificationOptions extends CallOptions, LengthOptions {
  /**
   * How tokens become entities. `none`: each by itself. `simple`: neighbours of one class are one. `first`, `average`
   * and `max`: the same, but a word's tokens agree first, on its first token's class, on the mean of all scores, or on
   * the class of the surest token. Default: `none`.
   */
  aggregationStrategy?: AggregationStrategy | undefined;
  /** Classes that are left out. Default: `['O']`. */
  ignoreLabels?: readonly string[] | undefined;
  /** Go through long texts in windows that share so many tokens, instead of cutting them; not with `none`. */
  stride?: number | undefined;
}

type OneByOne = TokenClassificationOptions & { aggregationStrategy?: 'none' | undefined };
type Grouped = TokenClassificationOptions & { aggregationStrategy: Exclude<AggregationStrategy, 'none'> };

/** What `pipeline('token-classification')` gives. */
export interface TokenClassificationPipeline
  extends BasePipeline<string, TokenEntity[] | EntityGroup[], TokenClassificationOptions, TokenClassifier> {
  (text: string, options?: OneByOne): Promise<TokenEntity[]>;
  (texts: readonly string[], options?: OneByOne): Promise<TokenEntity[][]>;
  (text: string, options: Grouped): Promise<EntityGroup[]>;
  (texts: readonly string[], options: Grouped): Promise<EntityGroup[][]>;
  stream(
    texts: AsyncIterable<string> | Iterable<string>,
    options?: OneByOne,
  ): AsyncGenerator<TokenEntity[], void, void>;
  stream(
    texts: AsyncIterable<string> | Iterable<string>,
    options: Grouped,
  ): AsyncGenerator<EntityGroup[], void, void>;
}

const forms: Forms<TokenClassificationOptions> = {
  ...lengthForms,
  aggregationStrategy: oneOf('none', 'simple', 'first', 'average', 'max'),
  ignoreLabels: strings,
  stride: countFrom0,
};

type Result = TokenEntity[] | EntityGroup[];

export const tokenClassification: Task<string, Result, TokenClassificationOptions, TokenClassifier> = {
  isOne: (input) => !Array.isArray(input),
  check: checkSentence,
  sizeOf: ({ length }) => length,
  prepare(parts, options) {
    checkOptions(parts.task, options, forms);
    const { aggregationStrategy: strategy = 'none', ignoreLabels = ['O'], stride } = options;
    if (stride !== undefined) checkStride(parts, stride, strategy);
    const { batchSize = 8, signal } = options;
    return async (texts) => {
      const encoded = encode(parts, texts, options);
      const windows: TaggedToken[][] = [];
      for (let from = 0; from < encoded.inputIds.length; from += batchSize) {
        signal?.throwIfAborted();
        windows.push(...(await tag(parts, texts, encoded, from, from + batchSize)));
      }
      return texts.map((text, i) => {
        const own = windows.filter(
          (_, window) => (encoded.overflowToSampleMapping?.[window] ?? window) === i,
        );
        const entities = own.flatMap((tokens) => entitiesOf(parts, text, tokens, strategy));
        const named = entities.filter(
          (each) => !ignoreLabels.includes('entity' in each ? each.entity : each.entityGroup),
        );
        return (own.length > 1 ? withoutOverlaps(named) : named) as Result;
      });
    };
  },
};

function encode(
  parts: Parts<TokenClassifier>,
  texts: readonly string[],
  { stride, truncation }: TokenClassificationOptions,
): BatchEncoding {
  const columns = { returnOffsetsMapping: true, returnSpecialTokensMask: true };
  if (stride === undefined) return encodeWithin(parts, texts, { ...columns, truncation });
  return parts.tokenizer.encodeBatch(texts, {
    ...columns,
    truncation: true,
    maxLength: maxTokens(parts.tokenizer, parts.model.config),
    stride,
    returnOverflowingTokens: true,
  });
}

/** The scores of the windows from one to another, with what is known of each token; special ones are left out. */
async function tag(
  { model, tokenizer }: Parts<TokenClassifier>,
  texts: readonly string[],
  encoded: BatchEncoding,
  from: number,
  to: number,
): Promise<TaggedToken[][]> {
  const ids = encoded.inputIds.slice(from, to);
  const inputs = padRows(
    { inputIds: ids, tokenTypeIds: encoded.tokenTypeIds?.slice(from, to) },
    tokenizer.padTokenId,
  );
  const [logits] = await readOutputs(() => model.forward(inputs), ['logits']); // [B * T * N]
  const width = labelsOf(model.config).length;
  const longest = inputs.inputIds[0]!.length;
  return ids.map((row, i) => {
    const text = texts[encoded.overflowToSampleMapping?.[from + i] ?? from + i]!;
    const tokens = row.map((id, index): TaggedToken => {
      const [start, end] = encoded.offsetsMapping![from + i]![index]!;
      const place = (i * longest + index) * width;
      const scores = softmax(Float64Array.from(logits!.subarray(place, place + width)));
      return { id, index, start, end, scores, source: text.slice(start, end) };
    });
    return tokens.filter(({ index }) => encoded.specialTokensMask![from + i]![index] === 0);
  });
}

function checkStride(
  { task, tokenizer, model }: Parts<TokenClassifier>,
  stride: number,
  strategy: AggregationStrategy,
): void {
  const room = maxTokens(tokenizer, model.config) - tokenizer.numSpecialTokensToAdd();
  const isLow = stride < room;
  if (isLow && strategy !== 'none' && room < 1e9) return;
  throw new InputError({
    operation: task,
    expected: isLow
      ? 'an aggregationStrategy other than none beside stride, and a model that says how much it takes'
      : `stride below the ${room} tokens that a window has room for`,
    received: isLow ? `aggregationStrategy ${strategy}, room for ${room} tokens` : String(stride),
    remedy: isLow ? 'choose simple, first, average or max; set tokenizer.modelMaxLength' : 'lower it',
  });
}

function checkSentence(input: unknown, operation: string): string {
  if (typeof input === 'string') return input;
  throw new InputError({
    operation,
    expected: 'a text',
    received: shown(input),
    remedy: 'pass a string for one text, a list of strings for several',
  });
}
