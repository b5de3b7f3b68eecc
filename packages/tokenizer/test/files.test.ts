import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isWeftError } from '@weft/errors';
import { seededRandom } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { AutoTokenizer, Tokenizer, trainByteLevelBpe, trainWordPiece } from '../src/index.ts';
import { variedStrings } from './strings.ts';

const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'weft-tokenizer-'));
const corpus = variedStrings().slice(0, 3000);
const bert = trainWordPiece(corpus, { vocabSize: 600, modelMaxLength: 64 });
const gpt2 = trainByteLevelBpe(corpus, { vocabSize: 600 });
const sample = 'The Quick brown fox’s café, naïve 😀 中文 1234';

describe('files', () => {
  it.each([
    ['WordPiece', bert],
    ['byte-level BPE', gpt2],
  ])('%s: saved and loaded gives the same', async (_, tokenizer) => {
    const path = await folder();
    await tokenizer.savePretrained(path);
    const loaded = await AutoTokenizer.fromPretrained(path);
    expect(loaded.encode(sample)).toEqual(tokenizer.encode(sample));
    expect(loaded.modelMaxLength).toBe(tokenizer.modelMaxLength);
    expect(loaded.allSpecialIds).toEqual(tokenizer.allSpecialIds);
    expect(JSON.parse(await readFile(join(path, 'tokenizer.json'), 'utf8'))).toEqual(tokenizer.toJson());
  });

  it('loads vocab.txt alone, and obeys do_lower_case', async () => {
    const path = await folder();
    const lines = [...bert.getVocab()].sort((a, b) => a[1] - b[1]).map(([token]) => token);
    await writeFile(join(path, 'vocab.txt'), `${lines.join('\n')}\n`);
    expect((await AutoTokenizer.fromPretrained(path)).encode(sample)).toEqual(bert.encode(sample));
    await writeFile(join(path, 'tokenizer_config.json'), '{"do_lower_case": false}');
    const cased = await AutoTokenizer.fromPretrained(path);
    expect(cased.encode('The').inputIds).not.toEqual(bert.encode('The').inputIds);
  });

  it('loads vocab.json and merges.txt', async () => {
    const path = await folder();
    const model = gpt2.toJson().model as { vocab: object; merges: [string, string][] };
    await writeFile(join(path, 'vocab.json'), JSON.stringify(model.vocab));
    await writeFile(
      join(path, 'merges.txt'),
      `#version: 0.2\n${model.merges.map((pair) => pair.join(' ')).join('\n')}\n`,
    );
    const loaded = await AutoTokenizer.fromPretrained(path);
    expect(loaded.encode(sample)).toEqual(gpt2.encode(sample));
    expect(loaded.eosToken).toBe('<|endoftext|>');
  });

  it('says what is missing', async () => {
    await expect(AutoTokenizer.fromPretrained(await folder())).rejects.toThrow(/vocab.txt/);
    await expect(AutoTokenizer.fromPretrained('')).rejects.toThrow(/id of a model/);
    const path = await folder();
    await writeFile(join(path, 'tokenizer.json'), '{"version": "1.0", ');
    await expect(AutoTokenizer.fromPretrained(path)).rejects.toThrow(/JSON/);
  });

  it('renders chat templates, and says so where there is none', () => {
    const chatTemplate =
      '{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}';
    const messages = [{ role: 'user', content: 'Hello' }];
    expect(gpt2.applyChatTemplate(messages, { chatTemplate, addGenerationPrompt: true })).toBe(
      '<|user|>Hello<|assistant|>',
    );
    expect(() => gpt2.applyChatTemplate(messages)).toThrow(/chat template/);
    expect(() => gpt2.applyChatTemplate(messages, { chatTemplate: '{% if %}' })).toThrow(/template/);
  });
});

describe('bad input', () => {
  it('is an InputError or a TokenizerError that says what to do', () => {
    expect(() => bert.encodeBatch('text' as unknown as string[])).toThrow(/list of strings/);
    expect(() => bert.encodeBatch(['a'], { textPairs: [] })).toThrow(/pair for each/);
    expect(() => bert.encodeBatch(['a'], { maxLength: -1 })).toThrow(/maxLength/);
    expect(() => gpt2.encodeBatch(['a', 'b c'], { padding: true })).toThrow(/padToken/);
    expect(() => bert.encode('a b c d e f', { truncation: true, maxLength: 4, stride: 2 })).toThrow(/stride/);
    expect(() => bert.encode('a', { truncation: 'some' as never })).toThrow(/longest_first/);
  });

  it('mutated files load or throw a typed error, and never anything else', () => {
    const random = seededRandom(5);
    const values = [
      null,
      -1,
      1e20,
      'x',
      [],
      {},
      true,
      [['a']],
      { type: 'Sequence' },
      Number.MAX_SAFE_INTEGER,
    ];
    const small = trainWordPiece(['a b ab'], { vocabSize: 12 }).toJson();
    const byteLevel = trainByteLevelBpe(['a b ab ab'], { vocabSize: 259 }).toJson();
    for (let i = 0; i < 4000; i++) {
      const json = structuredClone(i % 2 ? small : byteLevel);
      let node = json as Record<string, unknown>;
      for (;;) {
        const keys = Object.keys(node);
        const key = keys[Math.floor(random() * keys.length)]!;
        const child = node[key];
        if (typeof child === 'object' && child !== null && Object.keys(child).length > 0 && random() < 0.75) {
          node = child as Record<string, unknown>;
          continue;
        }
        if (random() < 0.2) delete node[key];
        else node[key] = values[Math.floor(random() * values.length)];
        break;
      }
      try {
        const tokenizer = new Tokenizer({ tokenizer: JSON.parse(JSON.stringify(json)) });
        tokenizer.decode(tokenizer.encode('ab a', { returnOffsetsMapping: true }).inputIds);
      } catch (error) {
        if (!isWeftError(error)) throw error;
      }
    }
  });

  it('deep nesting is refused', () => {
    let normalizer: object = { type: 'Lowercase' };
    for (let i = 0; i < 100_000; i++) normalizer = { type: 'Sequence', normalizers: [normalizer] };
    expect(() => new Tokenizer({ tokenizer: { ...bert.toJson(), normalizer } })).toThrow(/nested/);
  });
});

describe('long texts', () => {
  it.each([
    ['one word', 'ab'.repeat(200_000)],
    ['one run of spaces', ' '.repeat(200_000)],
    ['one run of accents', 'é\u0301'.repeat(60_000)],
  ])('%s: no deep stack, no square of the length', (_, text) => {
    for (const tokenizer of [gpt2, bert]) {
      const { inputIds, offsetsMapping } = tokenizer.encode(text, { returnOffsetsMapping: true });
      expect(offsetsMapping!.length).toBe(inputIds.length);
    }
    expect(gpt2.decode(gpt2.encode(text).inputIds)).toBe(text);
  });

  it('10 MB of words', () => {
    const sentence = 'weft and warp, 😀 ';
    const text = sentence.repeat(10_000_000 / sentence.length);
    const once = gpt2.encode(sentence).inputIds.length;
    expect(gpt2.encode(text).inputIds.length).toBeGreaterThan(once * 400_000);
  });
});
