import { generationOptionsFrom } from '@weft/model';
import { readFixture } from '@weft/testing';
import { AutoTokenizer } from '@weft/tokenizer';
import { expect, it } from 'vitest';
import { load, modelFolder } from '../test/cases.ts';
import type { Parts } from './call.ts';
import type { TextWriter } from './models.ts';
import { textToTextDefaults } from './text-to-text.ts';
import { defaultsOf } from './writing.ts';

interface Recorded {
  task: string;
  model: string;
  /** What generation_config.json says. */
  file: Record<string, unknown>;
  prefix: string | null;
  options: Record<string, unknown>;
}

/** What GenerationConfig has where nobody says anything. */
const unset: Record<string, unknown> = {
  maxLength: 20,
  minLength: 0,
  doSample: false,
  temperature: 1,
  topK: 50,
  topP: 1,
  numBeams: 1,
  earlyStopping: false,
  lengthPenalty: 1,
  noRepeatNgramSize: 0,
};

it('takes defaults from where transformers takes them', async () => {
  const { meta } = readFixture(new URL('../fixtures/generation-defaults.safetensors', import.meta.url));
  const tasks = meta.cases as Recorded[];
  expect(tasks.length).toBeGreaterThan(40);
  for (const { task, model: name, file, prefix, options } of tasks) {
    const pipe = await load(task, name);
    const writer = pipe.model as TextWriter;
    const parts: Parts<TextWriter> = {
      task,
      model: Object.assign(Object.create(writer) as TextWriter, {
        generationDefaults: { ...writer.generationDefaults, ...generationOptionsFrom(file) },
      }),
      tokenizer: await AutoTokenizer.fromPretrained(modelFolder(name)),
      modelName: name,
      warn: () => {},
    };
    const ofTask =
      task === 'text-generation'
        ? { maxNewTokens: 256, doSample: true, temperature: 0.7 }
        : textToTextDefaults;
    const key = task === 'translation' ? 'translation_en_to_de' : task;
    const found = defaultsOf(parts, key, ofTask);
    const where = `${task} of ${name} with ${JSON.stringify(file)}`;
    expect(found.prefix, where).toBe(prefix ?? '');
    for (const [option, expected] of Object.entries(options)) {
      const ours = option.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const value = found.generation[ours as keyof typeof found.generation] ?? unset[ours] ?? null;
      expect(value, `${where}: ${option}`).toEqual(expected);
    }
    pipe.dispose();
  }
});
