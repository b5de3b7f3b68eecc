import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnyPipeline } from '../src/index.ts';
import { pipeline, resolveTask } from '../src/index.ts';
import { load, modelFolder } from './cases.ts';

const pipes: Record<string, AnyPipeline> = {};
const models = {
  'text-classification': 'sentiment',
  'feature-extraction': 'topics',
  'fill-mask': 'masked-bert',
  'token-classification': 'tagger-bert',
  'question-answering': 'reader-bert',
  'zero-shot-classification': 'nli',
  'text-generation': 'writer',
  translation: 'translator',
  summarization: 'translator',
};
const warnings: string[] = [];
beforeAll(async () => {
  for (const [task, model] of Object.entries(models)) {
    pipes[task] = await pipeline(task as string, modelFolder(model), { warn: (line) => warnings.push(line) });
  }
});
afterAll(() => {
  for (const pipe of Object.values(pipes)) pipe.dispose();
});

async function refused(work: Promise<unknown>, code: string, ...words: string[]): Promise<void> {
  const error = await work.then(
    () => expect.fail('was not refused'),
    (problem: Error & { code?: string }) => problem,
  );
  expect(error, String(error.stack)).toMatchObject({ code });
  for (const word of words) expect(error.message).toContain(word);
}

describe('tasks', () => {
  it('are refused by unknown names, with what was meant', async () => {
    await refused(
      pipeline('text-clasification' as string),
      'WEFT_INPUT',
      'did you mean text-classification?',
    );
    await refused(pipeline('sentiment' as string), 'WEFT_INPUT', 'choose one of them');
    await refused(pipeline('constructor' as string), 'WEFT_INPUT');
    await refused(pipeline(undefined as unknown as string), 'WEFT_INPUT');
    await refused(pipeline('translation_en_de' as string), 'WEFT_INPUT', 'translation_xx_to_yy');
  });

  it('have aliases', () => {
    expect(resolveTask('ner')).toBe('token-classification');
    expect(resolveTask('sentiment-analysis')).toBe('text-classification');
    expect(resolveTask('translation_en_to_de')).toBe('translation');
  });

  it('refuse models that are none, or of another kind', async () => {
    await refused(pipeline('ner', ''), 'WEFT_INPUT');
    await refused(pipeline('ner', 7 as unknown as string), 'WEFT_INPUT');
    await refused(pipeline('ner', './no-such-folder'), 'WEFT_CHECKPOINT');
    await refused(pipeline('text-generation', modelFolder('reader-bert')), 'WEFT_CONFIG', 'GPT2LMHeadModel');
    await refused(pipeline('ner' as string, { dispose: () => {} }), 'WEFT_INPUT', 'tokenizer');
  });
});

describe('inputs', () => {
  for (const task of Object.keys(models)) {
    it(`of ${task} are refused where they are none`, async () => {
      const options = task === 'zero-shot-classification' ? { candidateLabels: ['a'] } : {};
      for (const input of [undefined, null, 7, {}, [7], [[]], new Map()]) {
        await refused(pipes[task]!(input, options), 'WEFT_INPUT', task);
      }
    });

    it(`of ${task} are refused with options that it has not`, async () => {
      const error = await pipes[task]!('x', { topPP: 1, candidateLabels: ['a'] }).catch((problem) => problem);
      expect(error).toMatchObject({ code: expect.stringMatching(/WEFT_(INPUT|GENERATION)/) });
    });
  }

  it('are refused before the first is answered', async () => {
    let done = 0;
    const onProgress = (): void => {
      done++;
    };
    await refused(pipes['text-classification']!(['x', 7], { batchSize: 1, onProgress }), 'WEFT_INPUT');
    expect(done).toBe(0);
  });
});

describe('options', () => {
  it('are refused where their values are wrong, and named where they were misspelt', async () => {
    const classify = pipes['text-classification']!;
    await refused(classify('x', { topK: 0 }), 'WEFT_INPUT', 'topK');
    await refused(classify('x', { topk: 1 }), 'WEFT_INPUT', 'did you mean topK?');
    await refused(classify('x', { function_to_apply: 'none' }), 'WEFT_INPUT', 'functionToApply');
    await refused(classify('x', { functionToApply: 'tanh' }), 'WEFT_INPUT', 'softmax');
    await refused(classify('x', { batchSize: 0 }), 'WEFT_INPUT', 'batchSize');
    await refused(classify('x', { signal: {} as AbortSignal }), 'WEFT_INPUT', 'AbortSignal');
    await refused(classify('x', [] as never), 'WEFT_INPUT', 'options in an object');
    await refused(pipes['feature-extraction']!('x', { normalize: true }), 'WEFT_INPUT', 'pooling');
    await refused(pipes['text-generation']!('x', { max_new_tokens: 3 }), 'WEFT_GENERATION', 'maxNewTokens');
    await refused(pipes['token-classification']!('x', { stride: 4 }), 'WEFT_INPUT', 'aggregationStrategy');
    const stride = { stride: 126, aggregationStrategy: 'simple' };
    await refused(pipes['token-classification']!('x', stride), 'WEFT_INPUT', 'below');
  });
});

describe('texts beyond the model', () => {
  const long = 'The loom stands by the window. '.repeat(60);

  for (const task of ['text-classification', 'feature-extraction', 'token-classification', 'translation']) {
    it(`are cut with a warning, or refused, by ${task}`, async () => {
      warnings.length = 0;
      await pipes[task]!(long, task === 'translation' ? { maxNewTokens: 2 } : {});
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(/a text of \d+ tokens cut to (128|64), .*; \d+ tokens are left out/);
      await refused(pipes[task]!(long, { truncation: false }), 'WEFT_INPUT', 'truncation: true');
    });
  }

  it('leave hypotheses whole', async () => {
    const classify = pipes['zero-shot-classification']!;
    const options = { candidateLabels: ['sea', 'loom'] };
    const { scores } = (await classify(long, options)) as { scores: number[] };
    expect(scores[0]).not.toBe(scores[1]);
    await refused(classify(long, { ...options, truncation: false }), 'WEFT_INPUT', 'tokens');
  });

  it('are prompts that leave no room', async () => {
    await refused(pipes['text-generation']!(long), 'WEFT_INPUT', "handleLongGeneration: 'hole'");
  });
});

describe('question answering', () => {
  it('refuses empty questions and contexts', async () => {
    const answer = pipes['question-answering']!;
    await refused(answer({ question: '', context: 'x' }), 'WEFT_INPUT', 'question');
    await refused(answer({ question: 'x', context: ' \n' }), 'WEFT_INPUT', 'context');
    await refused(answer({ question: 'x' }), 'WEFT_INPUT', 'context');
    await refused(answer('Who?'), 'WEFT_INPUT', '{ question, context }');
  });

  it('refuses windows without room', async () => {
    const answer = pipes['question-answering']!;
    const one = { question: 'Who kept the loom by the window?', context: 'The weaver.' };
    await refused(answer(one, { maxSeqLen: 8 }), 'WEFT_INPUT', 'maxSeqLen');
    await refused(answer(one, { maxSeqLen: 400 }), 'WEFT_INPUT', '128');
    await refused(answer(one, { maxSeqLen: 24, docStride: 23 }), 'WEFT_INPUT', 'docStride');
    await refused(answer(one, { topK: 0 }), 'WEFT_INPUT', 'topK');
    const long = { question: 'who '.repeat(200), context: 'x' };
    await refused(answer(long), 'WEFT_INPUT', 'question');
  });
});

describe('masks', () => {
  it('must be there, and in the tokenizer', async () => {
    await refused(pipes['fill-mask']!('no mask'), 'WEFT_INPUT', '[MASK]');
    await refused(pipes['fill-mask']!(['a [MASK]', 'none']), 'WEFT_INPUT', '"none"');
    await refused(pipes['fill-mask']!('[MASK]', { targets: [] }), 'WEFT_INPUT', 'target');
    warnings.length = 0;
    await pipes['fill-mask']!('[MASK]', { targets: ['weaverly'] });
    expect(warnings[0]).toContain('stands for it');
  });
});

describe('languages and sources', () => {
  it('are refused where the model does not have them', async () => {
    const folder = modelFolder('translator');
    await refused(
      pipeline('translation_en_to_it', folder),
      'WEFT_INPUT',
      'translation_en_to_de, translation_en_to_fr',
    );
    await refused(
      pipes.translation!('x', { srcLang: 'en', tgtLang: 'ro' }),
      'WEFT_INPUT',
      'translation_en_to_ro',
    );
    await refused(pipes.translation!('x', { srcLang: 'en' }), 'WEFT_INPUT', 'alone');
    await refused(pipes.translation!(''), 'WEFT_INPUT', 'not empty');
    await refused(pipes.summarization!(['x', ' ']), 'WEFT_INPUT', 'not empty');
  });

  it('are told of where none is named', async () => {
    const told: string[] = [];
    using pipe = await pipeline('translation', modelFolder('translator'), {
      warn: (line) => told.push(line),
    });
    expect(told[0]).toContain(`translation_en_to_de of translation_en_to_de, translation_en_to_fr`);
    expect(pipe.task).toBe('translation');
  });

  it('are chosen by a call', async () => {
    const french = await load('translation_en_to_fr', 'translator');
    const options = { maxNewTokens: 8 };
    const byCall = await pipes.translation!('The loom.', { ...options, srcLang: 'en', tgtLang: 'fr' });
    expect(byCall).toEqual(await french('The loom.', options));
    expect(byCall).not.toEqual(await pipes.translation!('The loom.', options));
    french.dispose();
  });
});

describe('chats', () => {
  it('need a template', async () => {
    const write = pipes['text-generation']!;
    const chat = [{ role: 'user', content: 'Who?' }];
    const { tokenizer } = await import('@weft/tokenizer').then(async ({ trainByteLevelBpe }) => ({
      tokenizer: trainByteLevelBpe(['the loom'], { vocabSize: 260 }),
    }));
    const own = await pipeline('text-generation' as string, write.model, { tokenizer });
    await refused(own(chat), 'WEFT_TOKENIZER', 'chat template');
    await refused(write([{ role: 'assistant', content: ' ' }, { role: 'user' }]), 'WEFT_INPUT');
  });
});

describe('labels', () => {
  it('of zero-shot classification must be named', async () => {
    const classify = pipes['zero-shot-classification']!;
    await refused(classify('x', {}), 'WEFT_INPUT', 'candidateLabels');
    await refused(classify('x', { candidateLabels: ' , ' }), 'WEFT_INPUT', 'at least one');
    await refused(classify('x', { candidateLabels: ['a'], hypothesisTemplate: 'This.' }), 'WEFT_INPUT', '{}');
    await refused(classify('', { candidateLabels: ['a'] }), 'WEFT_INPUT', 'not empty');
  });

  it('that do not name entailment are warned of', async () => {
    const told: string[] = [];
    using pipe = await pipeline('zero-shot-classification', modelFolder('topics'), {
      warn: (line) => told.push(line),
    });
    expect(pipe.task).toBe('zero-shot-classification');
    expect(told[0]).toContain('entailment');
  });
});
