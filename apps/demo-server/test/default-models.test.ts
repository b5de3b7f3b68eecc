import { miniModels } from '@weft/mini-models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultModels } from '../src/default-models.js';
import { type Running, start } from './support.js';

interface Listed {
  id: string;
  weft: { state: string; tasks: string[]; explain: string[]; random: boolean };
}

let running: Running | undefined;
let listed: Listed[];

beforeAll(async () => {
  const { models } = await defaultModels();
  running = await start({ models });
  const response = await fetch(`${running.address}/v1/models`);
  listed = ((await response.json()) as { data: Listed[] }).data;
});
afterAll(() => running?.server.close());

/** The page takes the first model that can do a view's work. */
const firstFor = (ability: string): string | undefined =>
  listed.find(({ weft: { explain, tasks } }) => [...explain, ...tasks].includes(ability))?.id;

describe('without --model', () => {
  it("weft's own small models are served, by their names, ready", () => {
    expect(listed.map(({ id }) => id)).toEqual(miniModels().map(({ name }) => name));
    for (const { weft } of listed) expect(weft).toMatchObject({ state: 'ready', random: false });
  });

  it('every view of the page begins with a model that is made for it', () => {
    const views = ['generate', 'sentiment', 'question-answering', 'attention', 'tokenize'];
    expect(views.map(firstFor)).toEqual([
      'gpt2-mini',
      'bert-mini-sentiment',
      'bert-mini-qa',
      'gpt2-mini',
      'gpt2-mini',
    ]);
    expect(firstFor('translation')).toBe('t5-mini-translation');
    expect(firstFor('fill-mask')).toBe('bert-mini');
  });

  it('they answer, and the answer names them', async () => {
    const ask = async (path: string, body: unknown): Promise<unknown> =>
      (await running!.post(path, body)).json();
    expect(await ask('/v1/completions', { model: 'gpt2-mini', prompt: 'Once', max_tokens: 4 })).toMatchObject(
      { model: 'gpt2-mini' },
    );
    expect(
      await ask('/pipelines/translation_en_to_fr', {
        model: 't5-mini-translation',
        inputs: 'Two dogs run.',
        parameters: { maxNewTokens: 20 },
      }),
    ).toMatchObject({ model: 't5-mini-translation' });
    const unknown = await ask('/pipelines/translation_en_to_es', {
      model: 't5-mini-translation',
      inputs: 'Two dogs run.',
    });
    expect(JSON.stringify(unknown)).toContain('translation_en_to_de, translation_en_to_fr');
    expect(
      await ask('/pipelines/sentiment-analysis', { model: 'bert-mini-sentiment', inputs: 'A warm film.' }),
    ).toMatchObject({ model: 'bert-mini-sentiment' });
  });
});
