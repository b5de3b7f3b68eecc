/** What stands under a mask: `fill-mask`. */
import { InputError } from '@weft/errors';
import { topIndices } from '@weft/generation';
import type { Tokenizer } from '@weft/tokenizer';
import type { BasePipeline, Parts, Task } from './call.js';
import { encodeWithin, type LengthOptions, lengthForms, padRows } from './encode.js';
import { checkText } from './feature-extraction.js';
import { readOutputs, softmax } from './labels.js';
import type { TokenClassifier } from './models.js';
import { type CallOptions, checkOptions, count, type Forms, stringOrStrings } from './options.js';

export interface MaskFilling {
  score: number;
  /** The id of the token. */
  token: number;
  tokenStr: string;
  /** The text with the token in place of the mask. */
  sequence: string;
}

export interface FillMaskOptions extends CallOptions, LengthOptions {
  /** How many fillings of each mask, the likeliest first. Default: 5. */
  topK?: number | undefined;
  /** Choose among these tokens only; of a text that is no token the first token is taken, with a warning. */
  targets?: string | readonly string[] | undefined;
}

/** The fillings of a text with one mask, or a list of them a mask where it has several. */
export type MaskFillings = MaskFilling[] | MaskFilling[][];

/** What `pipeline('fill-mask')` gives. */
export interface FillMaskPipeline
  extends BasePipeline<string, MaskFillings, FillMaskOptions, TokenClassifier> {
  (text: string, options?: FillMaskOptions): Promise<MaskFillings>;
  (texts: readonly string[], options?: FillMaskOptions): Promise<MaskFillings[]>;
}

const forms: Forms<FillMaskOptions> = { ...lengthForms, topK: count, targets: stringOrStrings };

export const fillMask: Task<string, MaskFillings, FillMaskOptions, TokenClassifier> = {
  isOne: (input) => !Array.isArray(input),
  check: checkText,
  sizeOf: ({ length }) => length,
  prepare(parts, options) {
    checkOptions(parts.task, options, forms);
    const { topK = 5, truncation } = options;
    const { model, tokenizer, task } = parts;
    const mask = tokenizer.maskTokenId;
    if (mask === undefined)
      throw noMask(task, 'a tokenizer with a mask token', 'none', 'take a masked language model');
    const targets = options.targets === undefined ? undefined : targetIds(parts, [options.targets].flat());
    return async (texts) => {
      const { inputIds, tokenTypeIds } = encodeWithin(parts, texts, { truncation });
      const masked = inputIds.map((ids) => ids.flatMap((id, t) => (id === mask ? [t] : [])));
      const missing = masked.findIndex((places) => places.length === 0);
      if (missing >= 0) {
        const received = JSON.stringify(texts[missing]!.slice(0, 80));
        throw noMask(
          task,
          `${tokenizer.maskToken} in each text`,
          received,
          'put it where the word is to be found',
        );
      }
      const inputs = padRows({ inputIds, tokenTypeIds }, tokenizer.padTokenId);
      const [logits] = await readOutputs(() => model.forward(inputs), ['logits']); // [B * T * V]
      const longest = inputs.inputIds[0]!.length;
      const width = logits!.length / (texts.length * longest);
      return inputIds.map((ids, i) => {
        const rows = masked[i]!.map((place) => {
          const from = (i * longest + place) * width;
          const chances = softmax(Float64Array.from(logits!.subarray(from, from + width)));
          const isOnly = masked[i]!.length === 1;
          return fillings(tokenizer, ids, place, isOnly, chances, { topK, targets });
        });
        return rows.length === 1 ? rows[0]! : rows;
      });
    };
  },
};

function fillings(
  tokenizer: Tokenizer,
  ids: readonly number[],
  place: number,
  isOnlyMask: boolean,
  chances: Float64Array,
  { topK, targets }: { topK: number; targets: readonly number[] | undefined },
): MaskFilling[] {
  const among = Float32Array.from(targets?.map((target) => chances[target]!) ?? chances);
  return topIndices(among, topK).map((index) => {
    const token = targets?.[index] ?? index;
    const filled = ids.map((id, t) => (t === place ? token : id)).filter((id) => id !== tokenizer.padTokenId);
    return {
      score: chances[token]!,
      token,
      tokenStr: tokenizer.decode([token]),
      // Other masks are special tokens too, and are to be seen.
      sequence: tokenizer.decode(filled, { skipSpecialTokens: isOnlyMask }),
    };
  });
}

/** The ids of targets, each once. */
function targetIds({ task, tokenizer, warn }: Parts<TokenClassifier>, targets: readonly string[]): number[] {
  const found = targets.flatMap((target) => {
    const known = tokenizer.tokenToId(target);
    if (known !== undefined) return [known];
    const [first] = tokenizer.encode(target, { addSpecialTokens: false }).inputIds;
    const stands = first === undefined ? 'it is left out' : `${tokenizer.idToToken(first)} stands for it`;
    warn(`${task}: the target ${JSON.stringify(target)} is no token of the vocabulary: ${stands}`);
    return first === undefined ? [] : [first];
  });
  if (found.length > 0) return [...new Set(found)];
  throw noMask(
    task,
    'a target that is a token',
    'none',
    'pass words of the vocabulary, or leave targets out',
  );
}

function noMask(operation: string, expected: string, received: string, remedy: string): InputError {
  return new InputError({ operation, expected, received, remedy });
}
