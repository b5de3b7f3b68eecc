import * as tf from '@tensorflow/tfjs';
import type { BertForMaskedLM, DistilBertForMaskedLM, RobertaForMaskedLM } from '@weft/bert';
import { InputError } from '@weft/errors';
import type { LoadOptions } from '@weft/model';
import type { Tokenizer } from '@weft/tokenizer';

export interface Candidate {
  /** Its probability at the mask. */
  score: number;
  id: number;
  token: string;
  /** The text with this token put in; other masks stay. */
  sequence: string;
}

/** A masked language model that says what stands under masks. */
export class MaskFiller {
  readonly model: BertForMaskedLM | DistilBertForMaskedLM | RobertaForMaskedLM;
  readonly tokenizer: Tokenizer;

  constructor(model: MaskFiller['model'], tokenizer: Tokenizer) {
    this.model = model;
    this.tokenizer = tokenizer;
  }

  static async load(model: string, options: LoadOptions): Promise<MaskFiller> {
    const [{ AutoTokenizer }, { AutoModelForMaskedLM }] = await Promise.all([
      import('@weft/tokenizer'),
      import('@weft/bert'),
    ]);
    const tokenizer = await AutoTokenizer.fromPretrained(model, options);
    return new MaskFiller(await AutoModelForMaskedLM.fromPretrained(model, options), tokenizer);
  }

  /**
   * The k likeliest tokens at each mask of a text.
   *
   * @throws InputError for a text without a mask
   */
  fill(text: string, k: number): Candidate[][] {
    const { tokenizer } = this;
    const limit = Number(this.model.config.max_position_embeddings);
    const { inputIds, attentionMask, tokenTypeIds } = tokenizer.encode(text, {
      truncation: true,
      maxLength: Math.min(limit, tokenizer.modelMaxLength),
    });
    const masks = inputIds.flatMap((id, i) => (id === tokenizer.maskTokenId ? [i] : []));
    if (masks.length === 0) throw this.#withoutMask(text);
    const probabilities = this.#probabilities(
      {
        inputIds: [inputIds],
        attentionMask: [attentionMask],
        ...(tokenTypeIds ? { tokenTypeIds: [tokenTypeIds] } : {}),
      },
      masks,
    );
    return masks.map((mask, m) =>
      highest(probabilities[m]!, k).map((id) => ({
        score: probabilities[m]![id]!,
        id,
        token: tokenizer.idToToken(id) ?? '',
        sequence: this.#with(inputIds, mask, id),
      })),
    );
  }

  dispose(): void {
    this.model.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Probabilities [masks, V] of what stands at these places. */
  #probabilities(
    inputs: { inputIds: number[][]; attentionMask: number[][] },
    masks: readonly number[],
  ): Float32Array[] {
    let values: Float32Array[] = [];
    tf.tidy(() => {
      const { logits } = this.model.forward(inputs); // [1, T, V]
      const rows = tf.gather(logits.squeeze<tf.Tensor2D>([0]), tf.tensor1d([...masks], 'int32')); // [M, V]
      const size = rows.shape[1]!;
      const all = tf.softmax(rows).dataSync() as Float32Array;
      values = masks.map((_, m) => all.slice(m * size, (m + 1) * size));
    });
    return values;
  }

  /** The text with a token put in at a mask; special tokens but other masks are left out. */
  #with(inputIds: readonly number[], mask: number, id: number): string {
    const { tokenizer } = this;
    const ids = inputIds
      .map((each, i) => (i === mask ? id : each))
      .filter((each, i) => i === mask || each === tokenizer.maskTokenId || !tokenizer.isSpecialId(each));
    return tokenizer.decode(ids);
  }

  #withoutMask(text: string): InputError {
    return new InputError({
      operation: 'fill-mask',
      expected: `a text with ${this.tokenizer.maskToken ?? 'a mask token, which this tokenizer lacks'}`,
      received: text.length > 60 ? `${text.slice(0, 59)}…` : text,
      remedy: 'put it where a word is to be found; masks beyond what the model takes are cut off',
    });
  }
}

function highest(values: Float32Array, k: number): number[] {
  return Array.from(values.keys())
    .sort((a, b) => values[b]! - values[a]!)
    .slice(0, k);
}
