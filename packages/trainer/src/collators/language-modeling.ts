import { ConfigError, DataError } from '@weft/errors';
import type { CollateContext, DataCollator } from '../dataset.js';
import { IGNORED, type PaddingOptions, pad, type TokenizedExample } from './padding.js';
import { batchNumbers } from './random.js';

export interface LanguageModelingOptions extends PaddingOptions {
  /** Mask tokens and predict them (BERT), or predict each next token (GPT-2). Default: true. */
  mlm?: boolean;
  /** Default: 0.15. */
  mlmProbability?: number;
  maskTokenId?: number;
  vocabSize?: number;
  /** Mask whole words together; examples need wordIds. */
  wholeWordMask?: boolean;
  /** Default: 0. With a trainer its dataSeed counts too. */
  seed?: number;
}

/**
 * Batches for pre-training. Causal: labels are the ids, padding -100. Masked: of the tokens that are not
 * special 15 % are chosen; of these 80 % become the mask token, half of the rest a random one of the whole
 * vocabulary, and only they are labels. Special tokens are told by `specialTokensMask` of the examples.
 *
 * @throws ConfigError without maskTokenId or vocabSize for masked modelling, DataError where padding is needed and
 * there is no padding token
 * @example
 * ```ts
 * import { dataCollatorForLanguageModeling } from '@weft/trainer';
 *
 * const collate = dataCollatorForLanguageModeling({ tokenizer: { padTokenId: 0 }, mlm: false });
 * const { inputIds, labels } = collate([{ inputIds: [5, 6, 7] }, { inputIds: [8] }]);
 * console.assert(JSON.stringify(inputIds) === '[[5,6,7],[8,0,0]]');
 * console.assert(JSON.stringify(labels) === '[[5,6,7],[8,-100,-100]]');
 * ```
 */
export function dataCollatorForLanguageModeling(
  options: LanguageModelingOptions,
): DataCollator<TokenizedExample> {
  if (options.mlm === false) {
    return (examples) => {
      const batch = pad(examples, options);
      const rows = batch.inputIds as number[][];
      const masks = batch.attentionMask as number[][];
      // As in Python: where padding is the end token, the true end tokens go too.
      const { padTokenId } = options.tokenizer;
      return {
        ...batch,
        labels: rows.map((row, i) =>
          row.map((id, t) => (masks[i]![t] === 0 || id === padTokenId ? IGNORED : id)),
        ),
      };
    };
  }
  const mask = masker(options);
  return (examples, context) => {
    const batch = pad(examples, options);
    const attention = batch.attentionMask as number[][];
    const special = batch.specialTokensMask as number[][] | undefined;
    const free = (t: number, row: number): boolean => attention[row]![t] === 1 && !special?.[row]?.[t];
    const masked = mask(batch.inputIds as number[][], free, examples, context);
    const { specialTokensMask: _, ...rest } = batch;
    return { ...rest, ...masked };
  };
}

type Masker = (
  rows: readonly number[][],
  isFree: (token: number, row: number) => boolean,
  examples: readonly TokenizedExample[],
  context: CollateContext | undefined,
) => { inputIds: number[][]; labels: number[][] };

function masker({
  maskTokenId,
  vocabSize,
  mlmProbability = 0.15,
  wholeWordMask,
  tokenizer,
  seed = 0,
}: LanguageModelingOptions): Masker {
  if (maskTokenId === undefined || vocabSize === undefined) {
    throw new ConfigError({
      operation: 'dataCollatorForLanguageModeling',
      expected: 'maskTokenId and vocabSize for masked language modelling',
      received: `maskTokenId ${maskTokenId}, vocabSize ${vocabSize}`,
      remedy: 'pass both, or mlm: false for causal language modelling',
    });
  }
  const numbers = batchNumbers(seed);
  return (rows, isFree, examples, context) => {
    const { uniform } = numbers(context);
    const labels = rows.map((row) => row.map(() => IGNORED));
    const inputIds = rows.map((row, i) => {
      const out = [...row];
      const free = (t: number): boolean => isFree(t, i);
      const start = tokenizer.paddingSide === 'left' ? row.length - examples[i]!.inputIds.length : 0;
      const groups = wholeWordMask
        ? wordGroups(row.length, start, free, examples[i]!)
        : [...row.keys()].filter(free).map((t) => [t]);
      for (const group of groups) {
        if (uniform() >= mlmProbability) continue;
        for (const t of group) {
          labels[i]![t] = row[t]!;
          const fate = uniform();
          if (fate < 0.8) out[t] = maskTokenId;
          else if (fate < 0.9) out[t] = Math.floor(uniform() * vocabSize);
        }
      }
      return out;
    });
    return { inputIds, labels };
  };
}

/** Positions in the padded row, word by word. */
function wordGroups(
  length: number,
  start: number,
  free: (t: number) => boolean,
  { wordIds }: TokenizedExample,
): number[][] {
  if (!wordIds) {
    throw new DataError({
      operation: 'whole word masking',
      expected: 'wordIds in every example',
      received: 'none',
      remedy: 'tokenize with returnWordIds',
    });
  }
  const groups: number[][] = [];
  let last: number | null | undefined;
  for (let t = start; t < length; t++) {
    const word = wordIds[t - start];
    // Pairs of texts count their words anew: a word is a run of tokens, not all tokens of one number.
    if (word !== null && word !== undefined && free(t)) {
      if (word === last) groups.at(-1)!.push(t);
      else groups.push([t]);
    }
    last = word;
  }
  return groups;
}
