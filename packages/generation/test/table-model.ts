import type { Fixture } from '@weft/testing';
import {
  type DecodingInput,
  type DecodingSession,
  type GenerationOptions,
  type GenerativeModel,
  type LikeliestTokens,
  logSoftmax,
  topIndices,
} from '../src/index.js';

/** The tables of tooling/reference/generation_toys.py, each flat, rows of `vocabSize`. */
export interface Tables {
  tokens: Float32Array;
  places: Float32Array;
  sources: Float32Array;
  vocabSize: number;
}

export function tablesOf(fixture: Fixture, prefix = ''): Tables {
  const table = (name: string): Float32Array => fixture.tensor(prefix + name).data as Float32Array;
  return {
    tokens: table('tokens'),
    places: table('places'),
    sources: table('sources'),
    vocabSize: fixture.tensor(`${prefix}tokens`).shape[1]!,
  };
}

/** What a test may look at after a run. */
export interface Counters {
  steps: number;
  /** Rows fed in each step. */
  batches: number[];
  open: number;
}

export interface TableModel extends GenerativeModel {
  readonly counters: Counters;
}

export function tableModel(
  tables: Tables,
  {
    isEncoderDecoder = false,
    defaults = {},
    likeliest = false,
  }: { isEncoderDecoder?: boolean; defaults?: GenerationOptions; likeliest?: boolean } = {},
): TableModel {
  const counters: Counters = { steps: 0, batches: [], open: 0 };
  return {
    generationDefaults: defaults,
    isEncoderDecoder,
    counters,
    startDecoding: (input) =>
      new (likeliest ? LikeliestSession : TableSession)(tables, input, isEncoderDecoder, counters),
  };
}

interface Row {
  tokens: number[];
  mask: number[];
  source: number | undefined;
}

class TableSession implements DecodingSession {
  readonly vocabSize: number;
  readonly #tables: Tables;
  readonly #counters: Counters;
  #rows: Row[];

  constructor(tables: Tables, input: DecodingInput, isEncoderDecoder: boolean, counters: Counters) {
    this.vocabSize = tables.vocabSize;
    this.#tables = tables;
    this.#counters = counters;
    counters.open++;
    this.#rows = input.inputIds.map((ids, i) => {
      const mask = [...input.attentionMask[i]!];
      if (!isEncoderDecoder) return { tokens: [], mask, source: undefined };
      let count = 0;
      const sum = ids.reduce((total, id, j) => total + (mask[j] ? id * ++count : 0), 0);
      return { tokens: [], mask: [], source: sum % (tables.sources.length / tables.vocabSize) };
    });
  }

  get batchSize(): number {
    return this.#rows.length;
  }

  get length(): number {
    return this.#rows[0]!.tokens.length;
  }

  step(tokens: readonly (readonly number[])[], { allPositions = false } = {}): Float32Array {
    if (tokens.length !== this.#rows.length)
      throw new Error(`${tokens.length} rows fed to ${this.#rows.length}`);
    this.#counters.steps++;
    this.#counters.batches.push(tokens.length);
    const fed = tokens[0]!.length;
    const wanted = allPositions ? fed : 1;
    const out = new Float32Array(tokens.length * wanted * this.vocabSize);
    for (const [i, row] of this.#rows.entries()) {
      row.tokens.push(...tokens[i]!);
      while (row.mask.length < row.tokens.length) row.mask.push(1);
      for (let k = 0; k < wanted; k++) {
        this.#logits(row, row.tokens.length - wanted + k, out.subarray((i * wanted + k) * this.vocabSize));
      }
    }
    return out;
  }

  reorder(indices: readonly number[]): void {
    this.#rows = indices.map((index) => {
      const { tokens, mask, source } = this.#rows[index]!;
      return { tokens: [...tokens], mask: [...mask], source };
    });
  }

  crop(length: number): void {
    for (const { tokens, mask } of this.#rows) {
      tokens.length = Math.min(tokens.length, length);
      mask.length = Math.min(mask.length, length);
    }
  }

  dispose(): void {
    this.#rows = [];
    this.#counters.open--;
  }

  #logits({ tokens, mask, source }: Row, position: number, out: Float32Array): void {
    const { vocabSize } = this;
    const before = position > 0 && mask[position - 1] ? tokens[position - 1]! : vocabSize;
    const count = mask.slice(0, position + 1).reduce((sum, kept) => sum + kept, 0);
    const place = Math.max(count - 1, 0) % (this.#tables.places.length / vocabSize);
    for (let i = 0; i < vocabSize; i++) {
      const token = this.#tables.tokens[tokens[position]! * vocabSize + i]!;
      const rolled = this.#tables.tokens[before * vocabSize + ((i - 1 + vocabSize) % vocabSize)]!;
      let sum = Math.fround(token + 0.5 * rolled) + this.#tables.places[place * vocabSize + i]!;
      if (source !== undefined) sum = Math.fround(sum) + this.#tables.sources[source * vocabSize + i]!;
      out[i] = sum;
    }
  }
}

/** The same, giving the likeliest tokens where they are all that is wanted, as sessions of real models do. */
class LikeliestSession extends TableSession {
  stepBest(tokens: readonly (readonly number[])[]): Int32Array {
    return this.stepTop(tokens, 1).tokens;
  }

  stepTop(tokens: readonly (readonly number[])[], count: number): LikeliestTokens {
    const logits = this.step(tokens);
    const out = { tokens: [] as number[], logProbabilities: [] as number[] };
    for (let row = 0; row < tokens.length; row++) {
      const scores = logits.subarray(row * this.vocabSize, (row + 1) * this.vocabSize);
      logSoftmax(scores);
      const best = topIndices(scores, count);
      out.tokens.push(...best);
      out.logProbabilities.push(...best.map((token) => scores[token]!));
    }
    return {
      tokens: Int32Array.from(out.tokens),
      logProbabilities: Float32Array.from(out.logProbabilities),
    };
  }
}
