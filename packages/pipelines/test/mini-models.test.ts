import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pipeline } from '../src/index.ts';

let cacheDir: string;
const warnings: string[] = [];
const options = () => ({ cacheDir, warn: (line: string) => void warnings.push(line) });
const own = (name: string): string => `${name} (weft's own small model)`;

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'weft-'));
  vi.stubEnv('HF_HUB_OFFLINE', '1');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(cacheDir, { recursive: true });
});

describe('without a network, the small models', () => {
  it('write', async () => {
    using write = await pipeline('text-generation', undefined, options());
    expect(write.modelName).toBe(own('gpt2-mini'));
    const [first] = await write('Once upon a time', { maxNewTokens: 12, seed: 1 });
    expect(first!.generatedText).toMatch(/^Once upon a time\S* [a-z]+/);
    expect(warnings.at(-1)).toContain(`${own('gpt2-mini')} answers`);
  });

  it('tell praise from blame', async () => {
    using classify = await pipeline('sentiment-analysis', undefined, options());
    expect(classify.modelName).toBe(own('bert-mini-sentiment'));
    const labels = await classify(['A warm and wonderful film.', 'A dull, stupid and lifeless mess.']);
    expect(labels.map(({ label }) => label)).toEqual(['POSITIVE', 'NEGATIVE']);
  });

  it('find answers', async () => {
    using answer = await pipeline('question-answering', undefined, options());
    expect(answer.modelName).toBe(own('bert-mini-qa'));
    const context = 'The bridge was built in 1932 by the city of Sydney.';
    const { start, end, answer: text } = await answer({ question: 'When was the bridge built?', context });
    expect(context.slice(start, end)).toBe(text);
    expect(text).toContain('1932');
  });

  it('fill gaps and give features, from one folder', async () => {
    using fill = await pipeline('fill-mask', undefined, options());
    using embed = await pipeline('feature-extraction', undefined, options());
    expect([fill.modelName, embed.modelName]).toEqual([own('bert-mini'), own('bert-mini')]);
    const candidates = await fill('The king lived in a great [MASK].');
    expect(candidates.flat()).toHaveLength(5);
    const vector = (await embed('The king.', { pooling: 'mean' })) as number[];
    expect(vector.every(Number.isFinite)).toBe(true);
  });

  it('translate, with the prefix and the options of each pair', async () => {
    const sentence = 'Two dogs run on the beach.';
    using german = await pipeline('translation_en_to_de', undefined, options());
    using french = await pipeline('translation_en_to_fr', undefined, options());
    expect(german.modelName).toBe(own('t5-mini-translation'));
    const [de] = await german(sentence);
    const [fr] = await french(sentence);
    expect(de!.translationText).toMatch(/Hunde/);
    expect(fr!.translationText).toMatch(/chiens/);
    expect(await german(sentence, { srcLang: 'en', tgtLang: 'fr' })).toEqual([fr]);
  });

  it('refuse other pairs and say which there are', async () => {
    await expect(pipeline('translation_en_to_es', undefined, options())).rejects.toMatchObject({
      code: 'WEFT_INPUT',
      expected: expect.stringContaining('translation_en_to_de, translation_en_to_fr'),
      received: 'translation_en_to_es',
    });
  });
});
