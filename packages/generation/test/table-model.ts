import type { DecodingSession, GenerationOptions, GenerativeModel } from '../src/index.js';

/** The model of tooling/reference/generation.py: logits are a row of a table plus half of the one before, rolled. */
export function tableModel(
  table: Float32Array,
  vocabSize: number,
  defaults: GenerationOptions = {},
): GenerativeModel {
  return {
    generationDefaults: defaults,
    isEncoderDecoder: false,
    startDecoding: ({ inputIds }) => new TableSession(table, vocabSize, inputIds.length),
  };
}

class TableSession implements DecodingSession {
  readonly vocabSize: number;
  #table: Float32Array;
  #rows: number[][];

  constructor(table: Float32Array, vocabSize: number, batchSize: number) {
    this.#table = table;
    this.vocabSize = vocabSize;
    this.#rows = Array.from({ length: batchSize }, () => []);
  }

  get batchSize(): number {
    return this.#rows.length;
  }

  get length(): number {
    return this.#rows[0]!.length;
  }

  step(tokens: readonly (readonly number[])[], { allPositions = false } = {}): Float32Array {
    const fed = tokens[0]!.length;
    const wanted = allPositions ? fed : 1;
    const out = new Float32Array(tokens.length * wanted * this.vocabSize);
    for (const [i, row] of this.#rows.entries()) {
      row.push(...tokens[i]!);
      for (let k = 0; k < wanted; k++) {
        this.#logits(row, row.length - wanted + k, out.subarray((i * wanted + k) * this.vocabSize));
      }
    }
    return out;
  }

  reorder(indices: readonly number[]): void {
    this.#rows = indices.map((index) => [...this.#rows[index]!]);
  }

  crop(length: number): void {
    for (const row of this.#rows) row.length = Math.min(row.length, length);
  }

  dispose(): void {
    this.#rows = [];
  }

  #logits(row: readonly number[], position: number, out: Float32Array): void {
    const [token, previous] = [row[position]!, position === 0 ? 0 : row[position - 1]!];
    for (let i = 0; i < this.vocabSize; i++) {
      const rolled = this.#table[previous * this.vocabSize + ((i - 1 + this.vocabSize) % this.vocabSize)]!;
      out[i] = this.#table[token * this.vocabSize + i]! + 0.5 * rolled;
    }
  }
}
