import { readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { Tokenizer, trainByteLevelBpe, trainUnigram, trainWordPiece } from '../src/index.ts';
import { trainingTexts } from './training-texts.ts';

interface Trained {
  first: string[];
  byteLevel: { vocab: Record<string, number>; merges: [string, string][] };
  byteLevelMinFrequency: { vocab: Record<string, number>; merges: [string, string][] };
  wordPieceAlways: string[];
  wordPieceEver: string[];
  unigram: [string, number][];
}

const { meta } = readFixture(new URL('../fixtures/trained.safetensors', import.meta.url));
const python = meta as unknown as Trained;
const texts = trainingTexts();

describe("training equals Python's tokenizers 0.22", () => {
  it('reads the same texts', () => {
    expect(texts.slice(0, 3)).toEqual(python.first);
  });

  it.each([
    ['byteLevel', { vocabSize: 900 }],
    ['byteLevelMinFrequency', { vocabSize: 5000, minFrequency: 20 }],
  ] as const)('byte-level BPE: %s', (name, options) => {
    const model = trainByteLevelBpe(texts, options).toJson().model as Trained['byteLevel'];
    expect(model.merges).toEqual(python[name].merges);
    expect(model.vocab).toEqual(python[name].vocab);
  });

  it("WordPiece: the tokens of all Python's runs, ties between equal pairs aside", () => {
    const ours = [...trainWordPiece(texts, { vocabSize: 500 }).getVocab().keys()];
    expect(ours).toHaveLength(500);
    expect(python.wordPieceAlways.length).toBeGreaterThan(490);
    expect(ours).toEqual(expect.arrayContaining(python.wordPieceAlways));
    expect(python.wordPieceEver).toEqual(expect.arrayContaining(ours));
  });

  it("Unigram: cuts the texts as short as Python's pieces do, to 2 %", () => {
    const ours = trainUnigram(texts, { vocabSize: 300 });
    const json = ours.toJson();
    const theirs = new Tokenizer({
      tokenizer: {
        ...json,
        model: { type: 'Unigram', unk_id: 2, vocab: python.unigram, byte_fallback: false },
      },
    });
    const length = (tokenizer: Tokenizer): number =>
      tokenizer.encodeBatch(texts).inputIds.reduce((sum, ids) => sum + ids.length, 0);
    expect(ours.vocabSize).toBe(300);
    expect(length(ours) / length(theirs)).toBeLessThan(1.02);
  });

  it('takes a generator, and gives the same tokenizer each time', () => {
    function* generate(): Generator<string> {
      yield* texts.slice(0, 200);
    }
    const once = JSON.stringify(trainWordPiece(generate(), { vocabSize: 300 }).toJson());
    expect(JSON.stringify(trainWordPiece(texts.slice(0, 200), { vocabSize: 300 }).toJson())).toBe(once);
  });

  it('refuses what is no text', () => {
    expect(() => trainByteLevelBpe([3 as unknown as string])).toThrow(/iterator of strings/);
    expect(() => trainWordPiece(texts, { vocabSize: 0 })).toThrow(/vocabSize/);
  });
});
