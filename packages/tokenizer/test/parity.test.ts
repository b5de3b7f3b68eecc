import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { AutoTokenizer, Tokenizer, trainByteLevelBpe, trainUnigram, trainWordPiece } from '../src/index.ts';
import { firstDifference, Oracle, ourWindows } from './oracle.ts';
import { fuzzStrings, variedStrings } from './strings.ts';

const data = process.env.WEFT_DATA ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const hasData = existsSync(`${data}/vocab`);

async function withChanges(
  name: string,
  change: (json: Record<string, unknown>) => void,
): Promise<Tokenizer> {
  const json = structuredClone((await AutoTokenizer.fromPretrained(`${data}/vocab/${name}`)).toJson());
  change(json);
  return new Tokenizer({ tokenizer: json });
}

const cased = (json: Record<string, unknown>): void => {
  json.normalizer = {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: false,
  };
};

const published: Record<string, () => Promise<Tokenizer>> = {
  gpt2: () => AutoTokenizer.fromPretrained(`${data}/vocab/gpt2`),
  'bert uncased': () => AutoTokenizer.fromPretrained(`${data}/vocab/bert-base-uncased`),
  'bert, cased settings': () => withChanges('bert-base-uncased', cased),
  roberta: () => AutoTokenizer.fromPretrained(`${data}/vocab/roberta-base`),
  t5: () => AutoTokenizer.fromPretrained(`${data}/vocab/t5-small`),
};

const varied = variedStrings();
const trained: Record<string, () => Promise<Tokenizer>> = {
  'byte-level BPE by weft': async () => trainByteLevelBpe(varied, { vocabSize: 2000 }),
  'byte-level BPE by weft with a prefix space': async () =>
    trainByteLevelBpe(varied, { vocabSize: 2000, addPrefixSpace: true }),
  'Unigram by weft': async () => trainUnigram(varied, { vocabSize: 6000 }),
  'WordPiece by weft': async () => trainWordPiece(varied, { vocabSize: 4000 }),
  'WordPiece by weft, cased': async () => trainWordPiece(varied, { vocabSize: 4000, lowercase: false }),
};

function compare(families: Record<string, () => Promise<Tokenizer>>): void {
  describe.each(Object.entries(families))('%s', (_, load) => {
    it('equals the Rust library on varied strings', async () => {
      const tokenizer = await load();
      const theirs = await new Oracle(tokenizer).encodeAll(varied);
      expect(varied.length).toBeGreaterThan(5000);
      expect(firstDifference(varied, ourWindows(tokenizer, varied), theirs)).toBeNull();
    });

    it('equals it on fuzzed strings', async () => {
      const tokenizer = await load();
      const texts = fuzzStrings(20_000, 7);
      const theirs = await new Oracle(tokenizer).encodeAll(texts);
      expect(firstDifference(texts, ourWindows(tokenizer, texts), theirs)).toBeNull();
    });
  });
}

describe.skipIf(!hasData)('published vocabularies (in WEFT_DATA)', () => compare(published));
describe('trained vocabularies', () => compare(trained));
